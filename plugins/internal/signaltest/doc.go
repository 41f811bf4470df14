// Package signaltest makes tests of signals independent of who started them:
// nohup, and a shell that puts a job into the background, leave signals
// ignored, for the test and for every program that it starts.
package signaltest
