{{- /*
Every name of the chart, in one place. Each helper takes the root context:

    {{ include "datalab.names.hub" . }}   ->   datalab-hub
*/ -}}

{{- /*
First part of all names. The longest suffix and a replica set's hash must still fit into 63
characters, so a long name is refused rather than cut: two releases would share a cut one.
*/ -}}
{{- define "datalab.fullname" -}}
{{- $name := .Values.fullnameOverride | default .Release.Name -}}
{{- if gt (len $name) 40 -}}
{{- fail (printf "the name %q has %d characters, 40 are possible: set fullnameOverride to a shorter one" $name (len $name)) -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "the name %q cannot stand at the beginning of a Service's name (a letter first, then letters, digits and dashes): set fullnameOverride to another one" $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{- /* Name of the chart in labels. */ -}}
{{- define "datalab.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "datalab.names.settings" -}}{{ include "datalab.fullname" . }}-settings{{- end -}}
{{- define "datalab.names.ca" -}}
{{- if .Values.global.caBundle.content }}{{ include "datalab.fullname" . }}-ca
{{- else }}{{ .Values.global.caBundle.configMap }}{{ end -}}
{{- end -}}

{{- /* The Secret that pods read: the site's, or ours. */ -}}
{{- define "datalab.names.secrets" -}}
{{- .Values.existingSecret | default (printf "%s-secrets" (include "datalab.fullname" .)) -}}
{{- end -}}
{{- define "datalab.names.secrets-job" -}}{{ include "datalab.fullname" . }}-make-secrets{{- end -}}

{{- define "datalab.names.hub" -}}{{ include "datalab.fullname" . }}-hub{{- end -}}
{{- define "datalab.names.hub-db" -}}
{{- .Values.hub.db.pvc.existingClaim | default (printf "%s-hub-db" (include "datalab.fullname" .)) -}}
{{- end -}}
{{- define "datalab.names.proxy" -}}{{ include "datalab.fullname" . }}-proxy{{- end -}}
{{- define "datalab.names.proxy-public" -}}{{ include "datalab.fullname" . }}-proxy-public{{- end -}}
{{- define "datalab.names.proxy-api" -}}{{ include "datalab.fullname" . }}-proxy-api{{- end -}}
{{- define "datalab.names.culler" -}}{{ include "datalab.fullname" . }}-culler{{- end -}}
{{- define "datalab.names.homes" -}}{{ include "datalab.fullname" . }}-homes{{- end -}}
{{- define "datalab.names.gateway" -}}{{ include "datalab.fullname" . }}-gateway{{- end -}}
{{- define "datalab.names.gateway-api" -}}{{ include "datalab.fullname" . }}-gateway-api{{- end -}}
{{- define "datalab.names.gateway-controller" -}}{{ include "datalab.fullname" . }}-gateway-controller{{- end -}}
{{- define "datalab.names.gateway-proxy" -}}{{ include "datalab.fullname" . }}-gateway-proxy{{- end -}}
{{- define "datalab.names.dask-scheduler" -}}{{ include "datalab.fullname" . }}-dask-scheduler{{- end -}}
{{- define "datalab.names.dask-worker" -}}{{ include "datalab.fullname" . }}-dask-worker{{- end -}}
{{- define "datalab.names.puller" -}}{{ include "datalab.fullname" . }}-puller{{- end -}}
{{- define "datalab.names.puller-hook" -}}{{ include "datalab.fullname" . }}-puller-hook{{- end -}}
{{- define "datalab.names.puller-hook-images" -}}{{ include "datalab.fullname" . }}-puller-hook-images{{- end -}}
{{- define "datalab.names.user" -}}{{ include "datalab.fullname" . }}-user{{- end -}}
{{- define "datalab.names.check" -}}{{ include "datalab.fullname" . }}-check{{- end -}}
{{- define "datalab.names.check-proxy" -}}{{ include "datalab.fullname" . }}-check-proxy{{- end -}}
{{- define "datalab.names.alerts" -}}{{ include "datalab.fullname" . }}-alerts{{- end -}}
{{- define "datalab.names.dashboards" -}}{{ include "datalab.fullname" . }}-dashboards{{- end -}}
{{- /* Templates of what the hub names: {user_server} and {username} are its own. */ -}}
{{- define "datalab.names.user-pod" -}}{{ include "datalab.fullname" . }}-user-{user_server}{{- end -}}
{{- define "datalab.names.home" -}}
{{- .Values.singleuser.storage.dynamic.pvcNameTemplate | default (printf "%s-home-{username}" (include "datalab.fullname" .)) -}}
{{- end -}}

{{- define "datalab.names.default-deny" -}}{{ include "datalab.fullname" . }}-default-deny{{- end -}}

{{- /* Namespace of Dask's pods. */ -}}
{{- define "datalab.names.dask-namespace" -}}
{{- .Values.gateway.backend.namespace | default .Release.Namespace -}}
{{- end -}}

{{- /* "yes" where Dask's pods have a namespace of their own, else empty. */ -}}
{{- define "datalab.names.two-namespaces" -}}
{{- if and .Values.gateway.enabled (ne (include "datalab.names.dask-namespace" .) .Release.Namespace) -}}yes{{- end -}}
{{- end -}}

{{- /*
ServiceAccount of a component: (list . "hub" .Values.hub) -> the account made by the chart, or the
one that the values name, or "default" where they ask for none.
*/ -}}
{{- define "datalab.names.account" -}}
{{- $root := index . 0 -}}{{- $component := index . 1 -}}{{- $account := (index . 2).serviceAccount -}}
{{- if $account.name }}{{ $account.name }}
{{- else if $account.create }}{{ include (printf "datalab.names.%s" $component) $root }}
{{- else }}default{{ end -}}
{{- end -}}

{{- /* ConfigMap and Secret of a component's files: (list . "hub") -> datalab-hub-files. */ -}}
{{- define "datalab.names.files" -}}
{{- include (printf "datalab.names.%s" (index . 1)) (index . 0) }}-files
{{- end -}}

{{- /*
Address of a service, as pods of any namespace resolve it: (list . "hub" 8081) ->
datalab-hub.datalab:8081.
*/ -}}
{{- define "datalab.names.address" -}}
{{- $root := index . 0 -}}
{{- printf "%s.%s:%v" (include (printf "datalab.names.%s" (index . 1)) $root) $root.Release.Namespace (index . 2) -}}
{{- end -}}

{{- /*
Image of a block {name, tag, digest}: (list . .Values.hub.image) ->
registry.example.org/geodes-datalab/platform:0.1.0. A name whose first part looks like a registry
(a dot, a colon or "localhost") is taken as it is.
*/ -}}
{{- define "datalab.names.image" -}}
{{- $root := index . 0 -}}{{- $image := index . 1 -}}
{{- $full := include "datalab.names.in-registry" (list $root $image.name) -}}
{{- if $image.digest }}{{ $full }}@{{ $image.digest }}
{{- else }}{{ $full }}:{{ $image.tag | default $root.Chart.AppVersion }}{{ end -}}
{{- end -}}

{{- /* Image name with the site's registry: (list . "geodes-datalab/notebook"). */ -}}
{{- define "datalab.names.in-registry" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}
{{- $first := first (splitList "/" $name) -}}
{{- $named := and (contains "/" $name) (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) -}}
{{- if and $root.Values.global.imageRegistry (not $named) -}}
{{- printf "%s/%s" (trimSuffix "/" $root.Values.global.imageRegistry) $name -}}
{{- else }}{{ $name }}{{ end -}}
{{- end -}}

{{- define "datalab.names.platform-image" -}}{{ include "datalab.names.image" (list . .Values.hub.image) }}{{- end -}}
{{- define "datalab.names.notebook-image" -}}{{ include "datalab.names.image" (list . .Values.singleuser.image) }}{{- end -}}

{{- /* Image of schedulers and workers: by default the users' one. */ -}}
{{- define "datalab.names.dask-image" -}}
{{- $image := .Values.gateway.backend.image -}}
{{- if $image.name -}}
{{- include "datalab.names.image" (list . $image) -}}
{{- else -}}
{{- include "datalab.names.notebook-image" . -}}
{{- end -}}
{{- end -}}

{{- /* Path of everything, without and with a slash at its end: "" and "/", "/lab" and "/lab/". */ -}}
{{- define "datalab.names.base" -}}{{ .Values.hub.baseUrl | trimSuffix "/" }}{{- end -}}
{{- define "datalab.names.base-slash" -}}{{ include "datalab.names.base" . }}/{{- end -}}

{{- /* Public address without a path, where the values tell it; else empty. */ -}}
{{- define "datalab.names.known-url" -}}
{{- $https := .Values.proxy.https -}}
{{- if .Values.hub.publicUrl -}}
{{- .Values.hub.publicUrl | trimSuffix "/" -}}
{{- else if and .Values.ingress.enabled .Values.ingress.hosts -}}
{{- printf "%s://%s" (ternary "https" "http" (or (not (empty .Values.ingress.tls)) $https.enabled)) (first .Values.ingress.hosts) -}}
{{- else if and .Values.httpRoute.enabled .Values.httpRoute.hostnames -}}
{{- printf "%s://%s" (ternary "https" "http" .Values.httpRoute.tls) (first .Values.httpRoute.hostnames) -}}
{{- else if and $https.enabled $https.hosts -}}
{{- printf "https://%s" (first $https.hosts) -}}
{{- end -}}
{{- end -}}

{{- /* Public address without a path, or the proxy's own where no other is known. */ -}}
{{- define "datalab.names.public-url" -}}
{{- $inside := printf "%s://%s.%s" (ternary "https" "http" .Values.proxy.https.enabled) (include "datalab.names.proxy-public" .) .Release.Namespace -}}
{{- include "datalab.names.known-url" . | default $inside -}}
{{- end -}}
