// Command hello is the app that `make demo` deploys: it answers HTTP requests at
// the port that PORT names.
package main

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
)

func main() { os.Exit(serve()) }

func serve() int {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello from %s\n", r.URL.Path)
	})
	err := http.ListenAndServe("127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "8080"), nil)
	fmt.Fprintln(os.Stderr, err)
	return 1
}
