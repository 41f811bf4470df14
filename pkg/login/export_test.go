package login

import "time"

// SetLockWait is how long c waits for the lock.
func (c *Client) SetLockWait(wait time.Duration) { c.wait = wait }
