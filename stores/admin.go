package stores

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency"
)

// adminPath is the path in the admin API.
const adminPath = "/conference_members/idempotency"

// shownUnknown is how many unknown records of a store are listed.
const shownUnknown = 100

// Admin is the part of the admin API that shows the stores and settles calls of
// unknown outcome:
//
//	GET    /conference_members/idempotency       the stores, their health, and what they hold
//	DELETE /conference_members/idempotency/{id}  settles an unknown record, by the 16 hex digits of its id
type Admin struct{}

// CaddyModule returns the Caddy module information.
func (Admin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.conference_members", New: func() caddy.Module { return new(Admin) }}
}

// Routes implements caddy.AdminRouter.
func (a Admin) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: adminPath, Handler: caddy.AdminHandlerFunc(a.list)},
		{Pattern: adminPath + "/", Handler: caddy.AdminHandlerFunc(a.settle)},
	}
}

// status is what is shown of a store.
type status struct {
	Store   string `json:"store"`
	Healthy bool   `json:"healthy"`
	// Error is why it is not healthy, or why its records can't be counted.
	Error  string              `json:"error,omitempty"`
	Counts *idempotency.Counts `json:"counts,omitempty"`
	// Unknown are the ids of records that wait to be settled, at most 100.
	Unknown []string `json:"unknown,omitempty"`
}

// list shows the stores that are open.
func (Admin) list(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet {
		return notAllowed(w, http.MethodGet)
	}
	all := []status{}
	for key, store := range open() {
		s := status{Store: key}
		err := store.Health(r.Context())
		s.Healthy = err == nil
		// A store that is full, or can't be written, can still be read.
		counts, unknown, unread := idempotency.Count(r.Context(), store, time.Now(), shownUnknown)
		if unread == nil {
			s.Counts = &counts
		}
		for _, id := range unknown {
			s.Unknown = append(s.Unknown, id.String())
		}
		if err = cmp.Or(err, unread); err != nil {
			s.Error = err.Error()
		}
		all = append(all, s)
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]any{"stores": all})
}

// settle settles a record in whichever store has it.
func (Admin) settle(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodDelete {
		return notAllowed(w, http.MethodDelete)
	}
	short, err := idempotency.ParseShortID(strings.TrimPrefix(r.URL.Path, adminPath+"/"))
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: err}
	}
	var errs []error
	for key, store := range open() {
		err := idempotency.Settle(r.Context(), store, short, time.Now())
		switch {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
			return nil
		case errors.Is(err, idempotency.ErrNotUnknown):
			return caddy.APIError{HTTPStatus: http.StatusConflict, Err: fmt.Errorf("store %s: %w", key, err)}
		case !errors.Is(err, idempotency.ErrNoRecord):
			errs = append(errs, fmt.Errorf("store %s: %w", key, err))
		}
	}
	if len(errs) > 0 {
		return caddy.APIError{HTTPStatus: http.StatusBadGateway, Err: errors.Join(errs...)}
	}
	return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: idempotency.ErrNoRecord}
}

// open returns the stores that are open, by their keys. They are used outside of the
// pool's lock.
func open() map[string]idempotency.Store {
	all := make(map[string]idempotency.Store)
	pool.Range(func(key, value any) bool {
		all[key.(poolKey).name] = value.(pooled) //nolint:forcetypeassert // Store puts them there
		return true
	})
	return all
}

// notAllowed is the refusal of a method.
func notAllowed(w http.ResponseWriter, allow string) error {
	w.Header().Set("Allow", allow)
	return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: fmt.Errorf("want %s", allow)}
}

// Interface guard.
var _ caddy.AdminRouter = (*Admin)(nil)
