{{- /*
Labels of every object: (list . "hub"). Those that change with each version stand only here, never
in a pod, so that an upgrade restarts nothing that did not change.
*/ -}}
{{- define "datalab.labels" -}}
{{- $root := index . 0 -}}
{{ include "datalab.labels.pod" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/part-of: geodes-datalab
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* What selects the pods of a component: (list . "hub"). */ -}}
{{- define "datalab.labels.selector" -}}
{{ include "datalab.labels.release" (index . 0) }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- /* What selects all pods of this release, and of no other in the same namespace. */ -}}
{{- define "datalab.labels.release" -}}
app.kubernetes.io/name: {{ include "datalab.name" . | toJson }}
app.kubernetes.io/instance: {{ toJson .Release.Name }}
{{- end -}}

{{- /* Labels of a pod: (list . "hub") or, with labels of its own, (list . "hub" .Values.hub.labels). */ -}}
{{- define "datalab.labels.pod" -}}
{{- $root := index . 0 -}}
{{- $own := include "datalab.labels.selector" . | fromYaml -}}
{{- $extra := dict -}}
{{- if gt (len .) 2 -}}{{- $extra = index . 2 -}}{{- end -}}
{{- merge (dict) $own $extra $root.Values.global.labels | toYaml -}}
{{- end -}}

{{- /* What selects Dask's pods: (list . "dask-worker"); Dask Gateway sets these labels. */ -}}
{{- define "datalab.labels.dask" -}}
gateway.dask.org/instance: {{ include "datalab.fullname" (index . 0) | toJson }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}
