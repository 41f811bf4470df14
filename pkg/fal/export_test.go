package fal

import (
	"context"
	"time"
)

// SetPause replaces what waits between the attempts of an upload.
func (c *Client) SetPause(pause func(context.Context, time.Duration) bool) { c.pause = pause }

// SetPatience replaces how long a call of an upload may stand still.
func (c *Client) SetPatience(patience time.Duration) { c.patience = patience }

// UploadPart is the size of a part of an upload.
const UploadPart = uploadPart

// LargestFile is the most bytes of a file.
const LargestFile = largestFile
