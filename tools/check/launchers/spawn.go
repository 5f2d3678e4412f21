// SPDX-License-Identifier: GPL-2.0

// Start a command in the group of a directory, by os/exec of Go 1.20 and later. Prints
// how it ended, or why it did not begin.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: spawn DIR COMMAND...")
		os.Exit(2)
	}
	dir, err := os.Open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	command := exec.Command(os.Args[2], os.Args[3:]...)
	command.Stdout = os.Stdout
	command.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	if err := command.Start(); err != nil {
		var errno syscall.Errno
		names := map[syscall.Errno]string{
			syscall.EACCES: "EACCES", syscall.EAGAIN: "EAGAIN",
			syscall.EBADF: "EBADF", syscall.ENODEV: "ENODEV",
		}
		if errors.As(err, &errno) && names[errno] != "" {
			fmt.Println(names[errno])
		} else {
			fmt.Println(err)
		}
		return
	}
	command.Wait()
	fmt.Printf("exited %d\n", command.ProcessState.ExitCode())
}
