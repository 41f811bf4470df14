// Package nfpm pins the tool that writes .deb and .rpm packages, in a module
// of its own: nothing but `make dist` and its tests downloads or builds it.
package nfpm
