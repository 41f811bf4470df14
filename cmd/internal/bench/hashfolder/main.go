// Command hashfolder plans the deployment of an app of a folder's files, which
// reads all of them and sends none. It stands for what a deployment costs
// before it sends anything.
//
//	hashfolder ADDRESS KEY-ID KEY-SECRET FOLDER
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/fal-plugins/fal/pkg/fal"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) != 4 {
		fmt.Fprintln(os.Stderr, "hashfolder: want ADDRESS KEY-ID KEY-SECRET FOLDER")
		return 2
	}
	if err := plan(context.Background(), args[0], fal.Key{ID: args[1], Secret: args[2]}, args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "hashfolder:", err)
		return 1
	}
	return 0
}

func plan(ctx context.Context, address string, key fal.Key, folder string) error {
	client, err := fal.New(fal.Options{Host: address, Plaintext: true, Credentials: key})
	if err != nil {
		return err
	}
	defer client.Close()
	plan, err := client.PlanDeploy(ctx, fal.App{Name: "bench", Build: fal.Image{Reference: "bench"}, Files: os.DirFS(folder)}, nil)
	if err != nil {
		return err
	}
	for _, file := range plan.Files {
		fmt.Println(file.Hash, file.Path)
	}
	return nil
}
