// Package detach lets a program that is started outlive the one that starts it.
//
//	cmd := exec.Command(exe, "__serve")
//	err := detach.From(cmd)
//	if err == nil {
//		err = cmd.Start()
//	}
//
// The streams are what cmd says, and none unless it names some. Of what this
// process was started with beyond the three streams, nothing is passed on.
package detach
