{{- /* "yes" where the pod of the homes runs, else empty. Input: the root context. */ -}}
{{- define "datalab.homes.enabled" -}}
{{- if or .Values.homes.metrics.enabled .Values.homes.view.enabled -}}yes{{- end -}}
{{- end -}}

{{- /* Secrets of the pod, as a YAML list. Input: the root context. */ -}}
{{- define "datalab.homes.secrets" -}}
{{- if .Values.homes.view.enabled }}
- homes.token
{{- end }}
{{- if .Values.homes.metrics.enabled }}
- monitoring.token
{{- end }}
{{- end -}}
