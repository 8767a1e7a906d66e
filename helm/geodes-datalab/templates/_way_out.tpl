{{- /*
The way out of a closed site through its web proxy. A proxy that wants no password stands in the settings
and in the pods; the address of one that does is a secret: site.http-proxy, site.https-proxy.
*/ -}}

{{- /*
"yes" where an address has a name or a password in it. Input: the address. No proxy's address has another @,
and a password may hold any sign that people did not write as %2F.
*/ -}}
{{- define "datalab.way-out.has-password" -}}
{{- if contains "@" (toString .) -}}yes{{- end -}}
{{- end -}}

{{- /* Keys of the addresses that are secrets, as a YAML list. Input: the root context. */ -}}
{{- define "datalab.way-out.keys" -}}
{{- $found := list -}}
{{- range $scheme := list "http" "https" -}}
{{- $key := printf "site.%s-proxy" $scheme -}}
{{- $told := or (hasKey $.Values.secrets.values $key) (hasKey $.Values.secrets.from $key) -}}
{{- if or $.Values.global.proxy.secret $told (include "datalab.way-out.has-password" (get $.Values.global.proxy $scheme)) -}}
{{- $found = append $found $key -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{- /* Variables that every part of a closed site needs, as a YAML map. Input: the root context. */ -}}
{{- define "datalab.way-out.plain" -}}
{{- $proxy := .Values.global.proxy -}}
{{- $secret := include "datalab.way-out.keys" . | fromYamlArray -}}
{{- if or $proxy.http $proxy.https $secret }}
{{- $inside := list "localhost" "127.0.0.1" "::1" ".svc" ".cluster.local" (printf ".%s" .Release.Namespace) (printf ".%s" (include "datalab.names.dask-namespace" .)) "kubernetes.default.svc" "$(KUBERNETES_SERVICE_HOST)" }}
{{- $own := list }}
{{- range $proxy.noProxy }}
{{- $own = append $own (regexReplaceAll "^\\*\\." . ".") }}
{{- end }}
{{- $none := concat $inside $own | uniq | join "," }}
{{- range $scheme := list "http" "https" }}
{{- $address := get $proxy $scheme }}
{{- if and $address (not (has (printf "site.%s-proxy" $scheme) $secret)) }}
{{ $scheme | upper }}_PROXY: {{ $address | quote }}
{{ $scheme }}_proxy: {{ $address | quote }}
{{- end }}
{{- end }}
NO_PROXY: {{ $none | quote }}
no_proxy: {{ $none | quote }}
{{- end }}
{{- end -}}

{{- /*
Variables whose values are secrets, as a YAML map name -> {name, key} of the Secret. What the operator sets
under such a name wins. Input: the root context.
*/ -}}
{{- define "datalab.way-out.places" -}}
{{- $root := . -}}
{{- $found := dict -}}
{{- range $key := include "datalab.way-out.keys" $root | fromYamlArray -}}
{{- $name := printf "%s_proxy" ($key | trimPrefix "site." | trimSuffix "-proxy") -}}
{{- range $variable := list $name (upper $name) -}}
{{- $_ := set $found $variable (dict "name" (include "datalab.secrets.home" (list $root $key)) "key" (include "datalab.secrets.key-there" (list $root $key))) -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{- /* The same as a container's `env` wants them, as a YAML map. Input: the root context. */ -}}
{{- define "datalab.way-out.env" -}}
{{- range $name, $place := include "datalab.way-out.places" . | fromYaml }}
{{ $name }}:
  valueFrom:
    secretKeyRef:
      name: {{ $place.name | toJson }}
      key: {{ $place.key | toJson }}
{{- end }}
{{- end -}}

{{- /*
"yes" where Dask's pods live in a namespace of their own and their copy of the addresses is the chart's
to make, else empty. Input: the root context.
*/ -}}
{{- define "datalab.way-out.copy" -}}
{{- $keys := include "datalab.way-out.keys" . | fromYamlArray -}}
{{- if and $keys (include "datalab.names.two-namespaces" .) (not .Values.existingSecret) (ne .Values.secrets.generate "job") -}}
{{- $ours := "yes" -}}
{{- range $keys -}}{{- if hasKey $.Values.secrets.from . -}}{{- $ours = "" -}}{{- end -}}{{- end -}}
{{- $ours -}}
{{- end -}}
{{- end -}}

{{- /*
What is wrong with passwords of proxies, as a YAML list of sentences. Input: the root context.
*/ -}}
{{- define "datalab.way-out.checks" -}}
{{- $found := list -}}
{{- range $scheme := list "http" "https" -}}
{{- if include "datalab.way-out.has-password" (get $.Values.global.proxy $scheme) -}}
{{- if or $.Values.existingSecret (eq $.Values.secrets.generate "job") -}}
{{- $found = append $found (printf "global.proxy.%s has a password in it, and the Secret is not made from values here: put the whole address into the Secret, as site.%s-proxy, set global.proxy.secret, and leave global.proxy.%s empty" $scheme $scheme $scheme) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $places := dict "singleuser.extraEnv" .Values.singleuser.extraEnv "gateway.backend.environment" .Values.gateway.backend.environment "gateway.backend.scheduler.environment" .Values.gateway.backend.scheduler.environment "gateway.backend.worker.environment" .Values.gateway.backend.worker.environment -}}
{{- range $path, $block := dict "hub" .Values.hub "cull" .Values.cull "proxy.chp" .Values.proxy.chp "gateway.api" .Values.gateway.api "gateway.controller" .Values.gateway.controller "gateway.proxy" .Values.gateway.proxy -}}
{{- $_ := set $places (printf "%s.extraEnv" $path) ($block.extraEnv | default dict) -}}
{{- end -}}
{{- range $name, $traits := .Values.hub.config -}}
{{- if and (kindIs "map" $traits) (kindIs "map" (get $traits "environment")) -}}
{{- $_ := set $places (printf "hub.config.%s.environment" $name) (get $traits "environment") -}}
{{- end -}}
{{- end -}}
{{- range $name, $profile := .Values.singleuser.profiles -}}
{{- $_ := set $places (printf "singleuser.profiles.%s.extraEnv" $name) ($profile.extraEnv | default dict) -}}
{{- range $option, $content := $profile.options -}}
{{- range $choice, $changes := $content.choices -}}
{{- $_ := set $places (printf "singleuser.profiles.%s.options.%s.choices.%s.extraEnv" $name $option $choice) ($changes.extraEnv | default dict) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $place, $variables := $places -}}
{{- range $name, $value := $variables -}}
{{- $text := $value -}}
{{- if kindIs "map" $value -}}{{- $text = get $value "value" -}}{{- end -}}
{{- if and (regexMatch "(?i)proxy$" $name) (include "datalab.way-out.has-password" $text) -}}
{{- $found = append $found (printf "%s.%s has a password in it, which would stand in the clear: give the address as the secret site.https-proxy (secrets.values, secrets.from, or existingSecret with global.proxy.secret), or by valueFrom from a Secret" $place $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}
