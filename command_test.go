package conferencemembers_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// testCommandIsFound holds that the shell completes the commands and their flags, and
// that the pages of the manual say how they are called.
func testCommandIsFound(t *testing.T, caddy string) {
	t.Helper()
	output := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), caddy, args...)
		cmd.Dir = t.TempDir()
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		return string(out)
	}
	if script := output("completion", "bash"); !strings.Contains(script, "__complete") {
		t.Errorf("completion bash: %s", script)
	}
	for args, want := range map[string]string{
		"conference-m":                 "conference-members\t",
		"conference-members che":       "check\t",
		"conference-members cs":        "csv\t",
		"conference-members check --s": "--session\t",
		"conference-members csv --v":   "--view\t",
	} {
		if got := output(append([]string{"__complete"}, strings.Fields(args)...)...); !strings.HasPrefix(got, want) {
			t.Errorf("%s is completed as %q, want %q", args, got, want)
		}
	}
	dir := t.TempDir()
	output("manpage", "-o", dir)
	for name, want := range map[string]string{
		"caddy-conference-members.8":       "conference-members-check(8)",
		"caddy-conference-members-check.8": `[--session ID] FILE|-`,
		"caddy-conference-members-csv.8":   `[--view NAME] FILE|-`,
	} {
		page, err := os.ReadFile(filepath.Join(dir, name))
		if text := strings.ReplaceAll(string(page), `\`, ""); err != nil || !strings.Contains(text, want) {
			t.Errorf("%s: %v; no %q in %s", name, err, want, text)
		}
	}
}

// TestCommand runs the command line as its users do.
func TestCommand(t *testing.T) {
	caddy := filepath.Join(t.TempDir(), "caddy")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", caddy, "./cmd/caddy").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	testCommandIsFound(t, caddy)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Caddyfile": `
			{
				admin off
				storage file_system {
					root /nonexistent/and/not/to/be/made
				}
			}
			other.example.com {
				root * /srv
				file_server
			}
			calls.example.com {
				tls internal
				conference_members {
					numbers {
						region US
					}
					idempotency {
						store file /nonexistent/calls.db
					}
					csv {
						view short {
							columns id
						}
					}
				}
				reverse_proxy 127.0.0.1:1
			}`,
		"two.caddyfile": `
			:1 {
				conference_members
			}
			:2 {
				conference_members {
					numbers {
						region US
					}
				}
			}`,
		"none.json":    `{"apps": {}}`,
		"bad.json":     `{"handler": "conference_members", "max_bod": 1}`,
		"guests.csv":   "ref,destination\nann,2025550123\n",
		"guests":       `{"destination":"+12025550123"}` + "\n" + `{"destination":"911"}` + "\n",
		"empty.csv":    "",
		"named.csv":    "Name,destination,ref\nAnn,+12025550123,ann\nBob,,\n",
		"broken.csv":   "destination\n\"x\n",
		"session.json": `{"id":"S1","state":"Active"}`,
		"list.json":    `[1]`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const head = "row,ref,ok,destination,kind,country,type,rules,detail\r\n"
	for _, test := range []struct {
		args, stdin string
		exit        int
		out, err    string // err is a part
	}{
		{"check --config Caddyfile guests.csv", "", 0, head + "1,ann,true,+12*******23,phone,US,fixed_line_or_mobile,,\r\n", ""},
		{"check guests.csv", "", 0, head + "1,ann,true,20******23,phone,,,,\r\n", ""},
		{"check --session S1 -", "destination,sessionId\nbob,S1\nbob,S2\n", 1, head + "1,,true,****,name,,,,\r\n2,,false,****,name,,,conflict,sessionId has one value in the path and another in the body.\r\n", "not every call"},
		{"check guests", "", 1, head + "1,,true,+12*******23,phone,US,fixed_line_or_mobile,,\r\n2,,false,****,name,,,emergency,\"destination is an emergency number, or connects to one.\"\r\n", "not every call"},
		{"check -", "", 2, "", "standard input is empty"},
		{"check -", "\ufeff\r\n\r\n", 2, "", "standard input is empty"},
		{"check empty.csv", "", 2, "", "empty.csv is empty"},
		{"check named.csv", "", 1, head + "1,ann,true,+12*******23,phone,US,fixed_line_or_mobile,unknown_field,Warning: The first row has names that are not fields. What is in these columns is left out: A.\r\n2,,false,,,,,required,destination is missing or empty.\r\n", "not every call"},
		{"check broken.csv", "", 2, "", "malformed_csv"},
		{"check missing.csv", "", 2, "", "no such file"},
		{"check", "", 2, "", "want one file"},
		{"check a b", "", 2, "", "want one file"},
		{"check --no-such-flag -", "", 2, "", "unknown flag"},
		{"check --config missing -", "", 2, "", "no such file"},
		{"check --config none.json -", "", 2, "", "no handler conference_members"},
		{"check --config bad.json -", "", 2, "", "max_bod"},
		{"check --config guests.csv -", "", 2, "", "--adapter"},
		{"check --config two.caddyfile guests.csv", "", 2, "", "--handler 2  /apps/http/servers/srv1/"},
		{"check --config two.caddyfile --handler 3 guests.csv", "", 2, "", "none has the number 3"},
		{"check --config two.caddyfile --handler 2 guests.csv", "", 0, head + "1,ann,true,+12*******23,phone,US,fixed_line_or_mobile,,\r\n", ""},
		{"csv --config Caddyfile --view short session.json", "", 0, "Id\r\nS1\r\n", ""},
		{"csv --config Caddyfile --view long session.json", "", 2, "", "the views are: short"},
		{"csv list.json", "", 2, "", "unexpected"},
		{"csv -", `{"responseStatus":{"errorCode":"NotFound","message":"No session"}}`, 2, "", "the API responded with an error: NotFound: No session"},
		{"csv -", "", 2, "", "standard input: is empty"},
		{"check -", "[]", 2, "", "There are no rows (row_count)"},
		{"chek guests.csv", "", 2, "", "there is no command chek; the commands are check and csv"},
		{"check --config= guests.csv", "", 2, "", "--config is empty; is a variable not set?"},
		{"check --session= guests.csv", "", 2, "", "--session is empty"},
		{"csv --view= session.json", "", 2, "", "--view is empty"},
		{"check --config Caddyfile --handler 0 guests.csv", "", 2, "", "--handler counts from 1"},
		{"csv --view x session.json", "", 2, "", "the views are: none"},
	} {
		t.Run(test.args, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), caddy, append([]string{"conference-members"}, strings.Fields(test.args)...)...)
			cmd.Dir, cmd.Stdin = dir, strings.NewReader(test.stdin)
			var out, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &stderr
			err := cmd.Run()
			exit := 0
			if e, ok := errors.AsType[*exec.ExitError](err); ok {
				exit = e.ExitCode()
			}
			if exit != test.exit || out.String() != test.out || !strings.Contains(stderr.String(), test.err) || test.exit == 0 && stderr.Len() > 0 {
				t.Errorf("exit %d, %q, %q; want %d, %q, %q", exit, out.String(), stderr.String(), test.exit, test.out, test.err)
			}
		})
	}
}
