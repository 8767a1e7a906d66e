{{- /*
Pieces of network policies. A policy lists what is allowed; what is not listed is dropped. Peers are
always selected by release too, because two releases may share a namespace.
*/ -}}

{{- /*
Annotation of policies that guard pods which outlive an uninstallation (user servers, Dask clusters):
they stay closed until they end. Helm keeps such policies on an upgrade too: after
networkPolicy.enabled=false remove them by hand.
*/ -}}
{{- define "datalab.netpol.keep" -}}
helm.sh/resource-policy: keep
{{- end -}}

{{- /* One peer of this release, seen from its own namespace: (list . "hub"). */ -}}
{{- define "datalab.netpol.ours" -}}
podSelector:
  matchLabels: {{- include "datalab.labels.selector" . | nindent 4 }}
{{- end -}}

{{- /* The same, seen from the namespace of Dask's pods. */ -}}
{{- define "datalab.netpol.ours-from-dask" -}}
{{- if include "datalab.names.two-namespaces" (index . 0) -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ (index . 0).Release.Namespace | toJson }}
{{ end -}}
{{ include "datalab.netpol.ours" . }}
{{- end -}}

{{- /* Dask's pods, seen from their own namespace: (list . "dask-worker"). */ -}}
{{- define "datalab.netpol.dask" -}}
podSelector:
  matchLabels: {{- include "datalab.labels.dask" . | nindent 4 }}
{{- end -}}

{{- /* The same, seen from the namespace of the release. */ -}}
{{- define "datalab.netpol.dask-from-ours" -}}
{{- if include "datalab.names.two-namespaces" (index . 0) -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ include "datalab.names.dask-namespace" (index . 0) | toJson }}
{{ end -}}
{{ include "datalab.netpol.dask" . }}
{{- end -}}

{{- /* TCP ports of a rule: (list 8000 8786); none: every port. */ -}}
{{- define "datalab.netpol.ports" -}}
{{- with . -}}
ports:
  {{- range . }}
  - protocol: TCP
    port: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- /* Ports of the HPC centre's gateway, as a JSON list: those of its two addresses. */ -}}
{{- define "datalab.hpda.ports" -}}
{{- $url := urlParse .Values.hpda.address -}}
{{- $http := regexFind "[0-9]+$" $url.host | default "443" | int -}}
{{- list $http (regexFind "[0-9]+$" .Values.hpda.schedulerAddress | int) | uniq | toJson -}}
{{- end -}}

{{- /* Egress rule: names are resolved. */ -}}
{{- define "datalab.netpol.dns" -}}
{{- $dns := .Values.networkPolicy.dns -}}
- to:
    - namespaceSelector:
        matchLabels: {{- toYaml $dns.namespaceLabels | nindent 10 }}
      podSelector:
        matchLabels: {{- toYaml $dns.podLabels | nindent 10 }}
    {{- range $dns.cidrs }}
    - ipBlock:
        cidr: {{ . }}
    {{- end }}
  ports:
    {{- range $dns.ports }}
    - protocol: UDP
      port: {{ . }}
    - protocol: TCP
      port: {{ . }}
    {{- end }}
{{- end -}}

{{- /* Egress rule: the API server, as its service and as what stands behind it. */ -}}
{{- define "datalab.netpol.api-server" -}}
{{- $api := .Values.networkPolicy.apiServer -}}
- {{- with $api.cidrs }}
  to:
    {{- range . }}
    - ipBlock:
        cidr: {{ . }}
    {{- end }}
  {{- end }}
  {{- with include "datalab.netpol.ports" $api.ports }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /*
Ranges that are not the internet, as a YAML list: (list . 4) or (list . 6). Private, shared,
link-local (the metadata service of clouds), loopback, reserved and multicast ones, addresses that
lead to them by translation, the metadata address of one cloud that looks public, and the cluster's.
*/ -}}
{{- define "datalab.netpol.inside" -}}
{{- $policy := (index . 0).Values.networkPolicy -}}
{{- $six := eq (int (index . 1)) 6 -}}
{{- $found := list "0.0.0.0/8" "10.0.0.0/8" "100.64.0.0/10" "127.0.0.0/8" "168.63.129.16/32" "169.254.0.0/16" "172.16.0.0/12" "192.0.0.0/24" "192.168.0.0/16" "198.18.0.0/15" "224.0.0.0/4" "240.0.0.0/4" -}}
{{- if $six -}}
{{- $found = list "::/127" "64:ff9b::/96" "64:ff9b:1::/48" "2002::/16" "fc00::/7" "fe80::/10" "ff00::/8" -}}
{{- end -}}
{{- range concat $policy.podCIDRs $policy.serviceCIDRs $policy.nodeCIDRs $policy.apiServer.cidrs (values $policy.blocked | sortAlpha) -}}
{{- if eq (contains ":" .) $six -}}{{- $found = append $found . -}}{{- end -}}
{{- end -}}
{{- uniq $found | toYaml -}}
{{- end -}}

{{- /* Whether a role may open connections to the internet: (list . "hub") -> "yes" or empty. */ -}}
{{- define "datalab.netpol.has-internet" -}}
{{- $root := index . 0 -}}
{{- $said := get $root.Values.networkPolicy.internet (index . 1) -}}
{{- if kindIs "invalid" $said -}}{{- $said = ne $root.Values.auth.type "shared-password" -}}{{- end -}}
{{- if $said -}}yes{{- end -}}
{{- end -}}

{{- /* Egress rules of a role (user, scheduler, worker, hub) beyond the datalab: (list . "user"). */ -}}
{{- define "datalab.netpol.outside" -}}
{{- $root := index . 0 -}}{{- $role := index . 1 -}}
{{- $policy := $root.Values.networkPolicy -}}
{{- if include "datalab.netpol.has-internet" . -}}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: {{- include "datalab.netpol.inside" (list $root 4) | nindent 10 }}
    - ipBlock:
        cidr: ::/0
        except: {{- include "datalab.netpol.inside" (list $root 6) | nindent 10 }}
  {{- with include "datalab.netpol.ports" $policy.internet.ports }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end }}
{{- range $name, $rule := $policy.egress }}
{{- if has $role $rule.for }}
# {{ $name }}
- to:
    {{- include "datalab.netpol.peers" (list "egress" $name $rule) | nindent 4 }}
  {{- with include "datalab.netpol.ports" $rule.ports }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Ingress rules of a role (user, hub) that the operator added: (list . "hub"). */ -}}
{{- define "datalab.netpol.sources" -}}
{{- $role := index . 1 -}}
{{- range $name, $rule := (index . 0).Values.networkPolicy.ingress }}
{{- if has $role $rule.for }}
# {{ $name }}
- from:
    {{- include "datalab.netpol.peers" (list "ingress" $name $rule) | nindent 4 }}
  {{- with include "datalab.netpol.ports" $rule.ports }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Peers of an operator's rule: (list "egress" "archive" {cidrs, namespaceSelector, podSelector}). */ -}}
{{- define "datalab.netpol.peers" -}}
{{- $rule := index . 2 -}}
{{- if not (or $rule.cidrs (hasKey $rule "namespaceSelector") (hasKey $rule "podSelector")) -}}
{{- fail (printf "networkPolicy.%s.%s names nobody: give cidrs, namespaceSelector or podSelector" (index . 0) (index . 1)) -}}
{{- end -}}
{{- range $rule.cidrs }}
- ipBlock:
    cidr: {{ . }}
{{- end }}
{{- if or (hasKey $rule "namespaceSelector") (hasKey $rule "podSelector") }}
- {{ pick $rule "namespaceSelector" "podSelector" | toYaml | indent 2 | trim }}
{{- end }}
{{- end -}}

{{- /* Ingress rule of who may read metrics, with the port: (list . 8081). */ -}}
{{- define "datalab.netpol.monitoring" -}}
{{- with (index . 0).Values.monitoring.scrapeFrom -}}
- from:
    {{- range $name, $peer := . }}
    # {{ $name }}
    - {{ toYaml $peer | indent 6 | trim }}
    {{- end }}
  {{- include "datalab.netpol.ports" (list (index $ 1)) | nindent 2 }}
{{- end }}
{{- end -}}
