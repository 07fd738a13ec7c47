package ops

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"testing"
)

const dashboardFile = "grafana/conference-members.json"

// dashboard is the part of Grafana's model that the tests read.
type dashboard struct {
	ID            *int   `json:"id"`
	UID           string `json:"uid"`
	Title         string `json:"title"`
	SchemaVersion int    `json:"schemaVersion"`
	Templating    struct {
		List []struct {
			Name       string          `json:"name"`
			Type       string          `json:"type"`
			Query      json.RawMessage `json:"query"`
			Datasource *datasource     `json:"datasource"`
		} `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type panel struct {
	ID          int        `json:"id"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Datasource  datasource `json:"datasource"`
	GridPos     struct{ X, Y, W, H int }
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []struct {
		RefID        string     `json:"refId"`
		Datasource   datasource `json:"datasource"`
		Expr         string     `json:"expr"`
		LegendFormat string     `json:"legendFormat"`
	} `json:"targets"`
}

func readDashboard(t *testing.T) *dashboard {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	d := new(dashboard)
	if err := json.Unmarshal(text, d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheDashboardFitsEveryGrafana(t *testing.T) {
	d := readDashboard(t)
	if d.ID != nil || d.UID == "" || d.Title == "" || d.SchemaVersion < 39 {
		t.Errorf("id %v, uid %q, title %q, schemaVersion %d", d.ID, d.UID, d.Title, d.SchemaVersion)
	}
	kinds := make(map[string]string)
	for _, v := range d.Templating.List {
		kinds[v.Name] = v.Type
		switch {
		case v.Type == "datasource" && string(v.Query) != `"prometheus"`:
			t.Errorf("the data sources are of type %s", v.Query)
		case v.Type == "query" && (v.Datasource == nil || *v.Datasource != fromTemplate):
			t.Errorf("the variable %s asks %v", v.Name, v.Datasource)
		}
	}
	for name, kind := range map[string]string{"datasource": "datasource", "job": "query", "instance": "query"} {
		if kinds[name] != kind {
			t.Errorf("the variable %s is of type %q, want %s", name, kinds[name], kind)
		}
	}
}

// fromTemplate is the data source that the reader chooses.
var fromTemplate = datasource{"prometheus", "${datasource}"}

func TestEveryPanelSaysWhatItShows(t *testing.T) {
	const columns = 24 // of Grafana's grid
	ids, titles := make(map[int]bool), make(map[string]bool)
	taken := make(map[[2]int]string)
	d := readDashboard(t)
	for _, p := range d.Panels {
		if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || p.Datasource != fromTemplate {
			t.Errorf("panel %d: title %q, description %q, unit %q, data source %v", p.ID, p.Title, p.Description, p.FieldConfig.Defaults.Unit, p.Datasource)
		}
		if p.ID == 0 || ids[p.ID] || titles[p.Title] {
			t.Errorf("panel %d, %q: not unique", p.ID, p.Title)
		}
		ids[p.ID], titles[p.Title] = true, true
		g := p.GridPos
		if g.W == 0 || g.H == 0 || g.X+g.W > columns {
			t.Errorf("%s: does not fit: %+v", p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if on := taken[[2]int{x, y}]; on != "" {
					t.Fatalf("%s lies on %s", p.Title, on)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
	if len(d.Panels) == 0 {
		t.Error("there are no panels")
	}
}

var (
	legendLabels = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)
	selected     = regexp.MustCompile(`\{job=~"\$job", instance=~"\$instance"[,}]`)
)

func TestEveryQueryAsksForWhatTheGatewayExposes(t *testing.T) {
	c := readCatalogue(t)
	shown := make(map[string]bool)
	for _, p := range readDashboard(t).Panels {
		if len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		refs := make(map[string]bool)
		for _, target := range p.Targets {
			if target.RefID == "" || refs[target.RefID] || target.LegendFormat == "" || target.Datasource != fromTemplate {
				t.Errorf("%s: refId %q, legend %q, data source %v", p.Title, target.RefID, target.LegendFormat, target.Datasource)
			}
			refs[target.RefID] = true
			for _, err := range c.check(target.Expr, nil) {
				t.Errorf("%s: %v", p.Title, err)
			}
			names := selectors.FindAllString(target.Expr, -1)
			if got := len(selected.FindAllString(target.Expr, -1)); got != len(names) {
				t.Errorf("%s: %d of %d selectors in %s heed job and instance", p.Title, got, len(names), target.Expr)
			}
			for _, m := range selectors.FindAllStringSubmatch(target.Expr, -1) {
				if found, _ := c.named(m[0][:len(m[0])-len(m[3])]); found != nil {
					shown[found.name] = true
				}
			}
			var grouped []string
			for _, m := range groupings.FindAllStringSubmatch(target.Expr, -1) {
				grouped = append(grouped, regexp.MustCompile(`\w+`).FindAllString(m[1], -1)...)
			}
			for _, m := range legendLabels.FindAllStringSubmatch(target.LegendFormat, -1) {
				if !slices.Contains(grouped, m[1]) {
					t.Errorf("%s: the legend shows %s, the query does not", p.Title, m[1])
				}
			}
		}
	}
	for _, m := range c.metrics {
		if !shown[m.name] {
			t.Errorf("no panel shows %s", m.name)
		}
	}
}
