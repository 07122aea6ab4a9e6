// Command rewrite puts variables into an archive in S3 with archive/zip, whose Writer.Copy takes entries as they are.
//
// It takes a job with the variables as JSON, writes the new object to S3 and prints the cost, as ../../strategies.py does.
// Requests are not signed, so that no SDK adds to the cost. The roots are those of SSL_CERT_FILE.
package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

type job struct {
	URL    string `json:"url"`
	Bucket string
	Source string
	Target string
	Env    map[string]string
}

func (j job) get() ([]byte, error) {
	answer, err := http.Get(j.URL + "/" + j.Bucket + "/" + j.Source)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body := bytes.NewBuffer(make([]byte, 0, answer.ContentLength+bytes.MinRead))
	_, err = body.ReadFrom(answer.Body)
	return body.Bytes(), err
}

func (j job) put(body []byte) error {
	request, err := http.NewRequest("PUT", j.URL+"/"+j.Bucket+"/"+j.Target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("PUT: %s", answer.Status)
	}
	return nil
}

// merged returns the text of the new file.
func (j job) merged(text string) (string, error) {
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		name := strings.SplitN(line, "=", 2)[0]
		if _, replaced := j.Env[name]; line != "" && !replaced {
			lines = append(lines, line)
		}
	}
	for name, value := range j.Env {
		quoted, err := json.Marshal(value)
		if err != nil {
			return "", err
		}
		lines = append(lines, name+"="+string(quoted))
	}
	return strings.Join(lines, "\n") + "\n", nil
}

func (j job) rewrite() error {
	body, err := j.get()
	if err != nil {
		return err
	}
	source, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return err
	}
	result := bytes.NewBuffer(make([]byte, 0, len(body)+len(body)/8))
	target, original := zip.NewWriter(result), ""
	for _, file := range source.File {
		if file.Name != ".env" {
			if err := target.Copy(file); err != nil {
				return err
			}
			continue
		}
		opened, err := file.Open()
		if err != nil {
			return err
		}
		text, err := io.ReadAll(opened)
		if err != nil {
			return err
		}
		original = string(text)
	}
	text, err := j.merged(original)
	if err != nil {
		return err
	}
	env, err := target.Create(".env")
	if err != nil {
		return err
	}
	if _, err := io.WriteString(env, text); err != nil {
		return err
	}
	if err := target.Close(); err != nil {
		return err
	}
	return j.put(result.Bytes())
}

// resident returns the resident set or its peak, in bytes; 0 if the system does not report it.
func resident(field string) (bytes int64) {
	status, _ := os.ReadFile("/proc/self/status")
	if _, after, found := strings.Cut(string(status), "\n"+field+":"); found {
		fmt.Sscan(after, &bytes)
	}
	return bytes * 1024
}

func cpu() float64 {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

func main() {
	var asked job
	if err := json.Unmarshal([]byte(os.Args[1]), &asked); err != nil {
		log.Fatal(err)
	}
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	before, used, began := resident("VmRSS"), cpu(), time.Now()
	if err := asked.rewrite(); err != nil {
		log.Fatal(err)
	}
	wall, spent, growth := time.Since(began).Seconds(), cpu()-used, resident("VmHWM")-before
	if growth < 0 {
		growth = 0
	}
	json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"wall_s": wall, "cpu_s": spent, "rss_growth": growth})
}
