// go test menu_test.go, while `arirecord replay menu.parquet --speed max --pace client` and the app run.
package menu

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"testing"
)

func ask(t *testing.T, verb string, given map[string]any) []byte {
	t.Helper()
	base := os.Getenv("ARI_BASE_URL")
	if base == "" {
		base = "http://127.0.0.1:8088"
	}
	body, _ := json.Marshal(given)
	response, err := http.Post(base+"/control/"+verb, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		var failure struct{ Message string }
		json.Unmarshal(text, &failure)
		t.Fatal(failure.Message)
	}
	return text
}

func TestACallerHearsTheMenu(t *testing.T) {
	var answered struct{ Status int }
	json.Unmarshal(ask(t, "expect", map[string]any{"request": "POST /channels/*/answer", "timeout": 30}), &answered)
	if answered.Status != http.StatusNoContent {
		t.Errorf("the answer was refused: %d", answered.Status)
	}
}

func TestTheAppSendsTheRecordedRequests(t *testing.T) {
	ask(t, "verify", map[string]any{"timeout": 60})
}
