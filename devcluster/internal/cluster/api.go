package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// api asks the API server a few plain questions, as the administrator.
type api struct {
	server string
	client *http.Client
}

func (r Record) api(layout Layout) (*api, error) {
	pair, err := tls.LoadX509KeyPair(layout.cert("admin"), layout.key("admin"))
	if err != nil {
		return nil, fmt.Errorf("failed to read the administrator's certificate: %w", err)
	}
	authority, err := os.ReadFile(layout.cert("ca"))
	if err != nil {
		return nil, fmt.Errorf("failed to read the cluster's authority: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	// No proxy: one that serves the outside world does not know the cluster's addresses.
	transport := &http.Transport{TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool}}
	return &api{server: r.apiServer(), client: &http.Client{Transport: transport, Timeout: 5 * time.Second}}, nil
}

func (a *api) ask(ctx context.Context, path string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.server+path, nil)
	if err != nil {
		return err
	}
	response, err := a.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s answered %s", path, response.Status)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(body, answer)
}

func (a *api) isServing(ctx context.Context) error {
	return a.ask(ctx, "/readyz", nil)
}

func (a *api) hasDefaultServiceAccount(ctx context.Context) error {
	return a.ask(ctx, "/api/v1/namespaces/default/serviceaccounts/default", nil)
}

// notReadyTaint keeps pods away from a node until the controller-manager has seen it ready.
// Other taints are somebody's wish, a cordon for one.
const notReadyTaint = "node.kubernetes.io/not-ready"

// hasReadyNodes fails unless there is a node, and every one is Ready and takes pods.
func (a *api) hasReadyNodes(ctx context.Context) error {
	var list nodeList
	if err := a.ask(ctx, "/api/v1/nodes", &list); err != nil {
		return err
	}
	return list.readiness()
}

type nodeList struct {
	Items []struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
		Spec struct {
			Taints []struct {
				Key string `json:"key"`
			} `json:"taints"`
		} `json:"spec"`
		Status struct {
			Conditions []struct {
				Type    string `json:"type"`
				Status  string `json:"status"`
				Message string `json:"message"`
			} `json:"conditions"`
		} `json:"status"`
	} `json:"items"`
}

func (l nodeList) readiness() error {
	if len(l.Items) == 0 {
		return fmt.Errorf("no node has registered")
	}
	for _, node := range l.Items {
		reason := "it has not said so yet"
		for _, condition := range node.Status.Conditions {
			if condition.Type == "Ready" {
				reason = condition.Message
				if condition.Status == "True" {
					reason = ""
				}
			}
		}
		for _, taint := range node.Spec.Taints {
			if reason == "" && taint.Key == notReadyTaint {
				reason = "it still has the taint " + taint.Key
			}
		}
		if reason != "" {
			return fmt.Errorf("node %s is not ready: %s", node.Metadata.Name, reason)
		}
	}
	return nil
}

// isListening succeeds once something accepts connections.
func isListening(network, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
}
