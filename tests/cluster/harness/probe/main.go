// Tells what can be reached from here: probe [-timeout 3s] TARGET...
//
// A target is name:HOST (look it up), tcp:HOST:PORT (open a connection), tls:HOST:PORT (and shake
// hands, whoever answers) or a URL (get it). All are tried at once; a line of JSON tells of each.
// The exit code is 0 when all were reached.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

type verdict struct {
	Target  string  `json:"target"`
	Reached bool    `json:"reached"`
	Seconds float64 `json:"seconds"`
	Said    string  `json:"said"`
}

func try(ctx context.Context, target string) (string, error) {
	var dialer net.Dialer
	kind, rest, _ := strings.Cut(target, ":")
	switch kind {
	case "name":
		found, err := net.DefaultResolver.LookupHost(ctx, rest)
		return strings.Join(found, " "), err
	case "tcp":
		opened, err := dialer.DialContext(ctx, "tcp", rest)
		if err == nil {
			opened.Close()
		}
		return "connected", err
	case "tls":
		// The probe asks whether packets pass, not whom it speaks to.
		shaker := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
		opened, err := shaker.DialContext(ctx, "tcp", rest)
		if err == nil {
			opened.Close()
		}
		return "shook hands", err
	case "http":
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
		if err != nil {
			return "", err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(io.LimitReader(answer.Body, 1000))
		return fmt.Sprintf("%d %s", answer.StatusCode, body), err
	}
	return "", fmt.Errorf("a target is name:, tcp:, tls: or http:")
}

func main() {
	timeout := flag.Duration("timeout", 3*time.Second, "how long to try")
	flag.Parse()
	verdicts := make(chan verdict)
	for _, target := range flag.Args() {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), *timeout)
			defer cancel()
			start := time.Now()
			said, err := try(ctx, target)
			if err != nil {
				said = err.Error()
			}
			verdicts <- verdict{target, err == nil, time.Since(start).Seconds(), said}
		}()
	}
	failed := 0
	for range flag.Args() {
		found := <-verdicts
		if !found.Reached {
			failed = 1
		}
		json.NewEncoder(os.Stdout).Encode(found)
	}
	os.Exit(failed)
}
