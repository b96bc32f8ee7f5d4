// A container runtime that runs nothing: the one that the kubelet's own tests use, behind a socket, so that a real
// kubelet starts where there are no containers.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cri-client/pkg/fake"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: container-runtime unix:///SOCKET")
		os.Exit(2)
	}
	if err := fake.NewFakeRemoteRuntime().Start(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	<-ended
}
