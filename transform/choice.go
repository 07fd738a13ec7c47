package transform

import (
	"fmt"
	"strings"

	"github.com/evovoice-gateway/caddy-conference-members/internal/nearmiss"
)

// unknown is the error for a name that is not one of names. It names the near miss
// or, where none is near, all that could have been meant.
func unknown(what, name string, names []string) error {
	if hint := nearmiss.Hint(name, names); hint != "" {
		return fmt.Errorf("unknown %s %q%s", what, name, hint)
	}
	return fmt.Errorf("unknown %s %q; use one of %s", what, name, strings.Join(names, ", "))
}
