//go:build unix

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// httpget is a command of the scripts: it prints the status and the body of what
// a URL answers. With a key it says who asks.
//
//	httpget URL [KEY]
func httpget() {
	if err := get(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "httpget:", err)
		os.Exit(1)
	}
}

func get(args []string) error {
	request, err := http.NewRequest(http.MethodGet, args[0], nil)
	if err != nil {
		return err
	}
	if len(args) > 1 {
		request.Header.Set("Authorization", "Key "+args[1])
	}
	client := &http.Client{Timeout: patience}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	_, err = fmt.Printf("%d %s\n", answer.StatusCode, strings.TrimSpace(string(body)))
	return err
}
