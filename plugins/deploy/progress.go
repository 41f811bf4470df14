package deploy

import (
	"fmt"
	"strings"

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
		j.phase.Store(e.Phase)
		j.task.Begin(stepOf(e.Phase))
	}
	if e.Phase == fal.DeployHash || e.Phase == fal.DeployUpload {
		j.task.Measure(progress.Amount{Files: e.Files, TotalFiles: e.TotalFiles, Bytes: e.Bytes, TotalBytes: e.TotalBytes})
	}
	if e.Log != nil {
		text := view.DeployLogText(*e.Log)
		switch level := strings.ToUpper(e.Log.Level); {
		case isDetail(level) && !j.inv.Verbose:
			j.task.Detail(text)
		case level == "WARNING":
			j.task.Warn(text)
		case level == "ERROR":
			j.task.LogCause(text, e.Log.Message)
		default:
			j.task.Log(text)
		}
	}
	j.rolled = j.rolled || e.Phase == fal.DeployRegister && e.Log != nil
	if e.Ended {
		j.phases = append(j.phases, fal.PhaseDuration{Phase: e.Phase, Duration: e.Elapsed})
		note := ""
		if e.TotalFiles > 0 {
			note = fmt.Sprintf("%s, %s", view.Count(e.TotalFiles, "file"), view.Bytes(e.TotalBytes))
		}
		j.task.End(e.Err, note)
	}
}

// isDetail reports whether a level of the log is for --verbose, and for a step
// that failed.
func isDetail(level string) bool { return level == "TRACE" || level == "DEBUG" }
