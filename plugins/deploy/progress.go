package deploy

import (
	"fmt"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/progress"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// stepOf is a phase in words.
func stepOf(p fal.DeployPhase) progress.Step {
	switch p {
	case fal.DeployHash:
		return progress.Step{Doing: "reading the files", Done: "read the files"}
	case fal.DeployUpload:
		return progress.Step{Doing: "uploading the files", Done: "uploaded the files"}
	case fal.DeployBuild:
		return progress.Step{Doing: "building the environment", Done: "built the environment"}
	case fal.DeployMetadata:
		return progress.Step{Doing: "asking the app for its description", Done: "got the app's description"}
	case fal.DeployRegister:
		return progress.Step{Doing: "registering the app", Done: "registered the app"}
	}
	return progress.Step{Doing: string(p), Done: string(p)}
}

// progress shows an event.
func (j *job) progress(e fal.DeployEvent) {
	if e.Started {
		j.task.Begin(stepOf(e.Phase))
	}
	if e.Phase == fal.DeployHash || e.Phase == fal.DeployUpload {
		j.task.Measure(progress.Amount{Files: e.Files, TotalFiles: e.TotalFiles, Bytes: e.Bytes, TotalBytes: e.TotalBytes})
	}
	if e.Log != nil && (j.inv.Verbose || !isDetail(e.Log.Level)) {
		j.task.Log(view.DeployLogText(*e.Log))
	}
	if e.Ended {
		note := ""
		if e.TotalFiles > 0 {
			note = fmt.Sprintf("%s, %s", view.Count(e.TotalFiles, "file"), view.Bytes(e.TotalBytes))
		}
		j.task.End(e.Err, note)
	}
}

// isDetail reports whether a level of the log is for --verbose.
func isDetail(level string) bool { return level == "TRACE" || level == "DEBUG" }
