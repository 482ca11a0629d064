package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// identity is a certificate to be made: who it speaks for, and where it serves, if it does.
type identity struct {
	file   string
	user   string
	groups []string
	names  []string
	ips    []string
}

// identities are the certificates that the cluster's authority signs.
func (r Record) identities() []identity {
	var nodes, serving []string
	for _, one := range r.networks() {
		serving = append(serving, one.loopback.String())
		if r.Mode == Real {
			nodes = append(nodes, one.node().String())
			serving = append(serving, one.node().String(), one.kubernetesService().String())
		}
	}
	list := []identity{
		{
			file: "apiserver", user: "kube-apiserver", ips: serving,
			names: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		},
		{file: "admin", user: "devcluster-admin", groups: []string{"system:masters"}},
		{file: "kube-controller-manager", user: "system:kube-controller-manager"},
		{file: "kube-scheduler", user: "system:kube-scheduler"},
	}
	if r.Mode == Simulated {
		return append(list, identity{file: "fake-kubelet", user: "fake-kubelet", groups: []string{"system:masters"}})
	}
	node := string(r.Name)
	return append(list,
		identity{file: "kube-proxy", user: "system:kube-proxy"},
		identity{file: "kubelet", user: "system:node:" + node, groups: []string{"system:nodes"}},
		identity{file: "kubelet-serving", user: "system:node:" + node, names: []string{node}, ips: nodes},
		identity{file: "kubelet-client", user: "kube-apiserver-kubelet-client", groups: []string{"system:masters"}},
	)
}

// writePKI makes the cluster's authorities, certificates and the key that signs the tokens
// of service accounts.
func (r Record) writePKI(layout Layout) error {
	authority, err := newAuthority(layout, "ca")
	if err != nil {
		return err
	}
	for _, identity := range r.identities() {
		if err := authority.issue(layout, identity); err != nil {
			return err
		}
	}
	// The aggregation layer wants an authority of its own: whoever it signs for may name any user.
	frontProxy, err := newAuthority(layout, "front-proxy-ca")
	if err != nil {
		return err
	}
	if err := frontProxy.issue(layout, identity{file: "front-proxy", user: "front-proxy-client"}); err != nil {
		return err
	}
	tokens, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("failed to make the key of the service accounts: %w", err)
	}
	return writeKey(layout.key("service-accounts"), tokens)
}

type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(layout Layout, file string) (*authority, error) {
	template := certificateTemplate(pkix.Name{CommonName: "devcluster " + file})
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("failed to make the key of %s: %w", file, err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("failed to make the certificate of %s: %w", file, err)
	}
	if err := writePair(layout, file, der, key); err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("failed to read back the certificate of %s: %w", file, err)
	}
	return &authority{certificate: certificate, key: key}, nil
}

func (a *authority) issue(layout Layout, who identity) error {
	template := certificateTemplate(pkix.Name{CommonName: who.user, Organization: who.groups})
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	template.DNSNames = who.names
	for _, ip := range who.ips {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(ip))
	}
	if len(who.ips) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("failed to make the key of %s: %w", who.file, err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return fmt.Errorf("failed to make the certificate of %s: %w", who.file, err)
	}
	return writePair(layout, who.file, der, key)
}

func certificateTemplate(subject pkix.Name) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(fmt.Sprintf("the system's source of randomness does not fail: %v", err))
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(10, 0, 0),
	}
}

func writePair(layout Layout, file string, der []byte, key *ecdsa.PrivateKey) error {
	content := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(layout.cert(file), content, 0o644); err != nil {
		return fmt.Errorf("failed to write the certificate of %s: %w", file, err)
	}
	return writeKey(layout.key(file), key)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("failed to encode the key %s: %w", path, err)
	}
	content := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return fmt.Errorf("failed to write the key %s: %w", path, err)
	}
	return nil
}
