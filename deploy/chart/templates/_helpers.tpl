{{/* The labels by which the operator's Pods are found. They must never change: a Deployment's selector cannot. */}}
{{- define "sidecarset.selectorLabels" -}}
app.kubernetes.io/name: sidecarset-operator
{{- end }}

{{- define "sidecarset.labels" -}}
{{ include "sidecarset.selectorLabels" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sidecarset.serviceAccountName" -}}
{{ .Values.serviceAccount.name | default "sidecarset-operator" }}
{{- end }}

{{- define "sidecarset.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{/* Where the webhook's certificate comes from, where cert-manager makes it. */}}
{{- define "sidecarset.certificateSecret" -}}
sidecarset-webhook-tls
{{- end }}
