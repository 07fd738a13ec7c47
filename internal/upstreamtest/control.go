package upstreamtest

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// Control returns a handler through which another process has what [Upstream]
// offers in this one. It belongs on a separate address, as the upstream
// itself responds with 404 there as recorded.
//
//	GET    /received        the requests, as a JSON list of Received
//	GET    /stats           the counts, as JSON
//	DELETE /received        Forget
//	POST   /faults          Next, with one fault in the form of FaultHeader as the body
//	POST   /gates/{name}    Release, with ?n= requests, or for good without
func (u *Upstream) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /received", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, u.Received()) })
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, u.Stats()) })
	mux.HandleFunc("DELETE /received", func(w http.ResponseWriter, _ *http.Request) {
		u.Forget()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /faults", u.controlFault)
	mux.HandleFunc("POST /gates/{name}", u.controlGate)
	return mux
}

func (u *Upstream) controlFault(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f, err := ParseFault(string(b))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	u.Next(f)
	w.WriteHeader(http.StatusNoContent)
}

func (u *Upstream) controlGate(w http.ResponseWriter, r *http.Request) {
	n := -1
	if s := r.URL.Query().Get("n"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			http.Error(w, "n is not a number", http.StatusBadRequest)
			return
		}
	}
	u.Release(r.PathValue("name"), n)
	w.WriteHeader(http.StatusNoContent)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
