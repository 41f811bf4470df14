package project

// doNotWait is nothing here: no file of a folder is a pipe.
const doNotWait = 0
