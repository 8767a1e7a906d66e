{{- /*
Values that are each right and cannot work together: all of them are told at once, before anything is
installed. Input: the root context. Writes nothing.
*/ -}}
{{- define "datalab.checks" -}}
{{- $found := list -}}
{{- $values := .Values -}}
{{- $oidc := $values.auth.oidc -}}
{{- if eq $values.auth.type "oidc" -}}
{{- range $key := list "authorizeUrl" "tokenUrl" "userdataUrl" "clientId" -}}
{{- if not (get $oidc $key) -}}
{{- $found = append $found (printf "auth.type is oidc: auth.oidc.%s is empty; the identity provider's documentation has it" $key) -}}
{{- end -}}
{{- end -}}
{{- if not (or $oidc.callbackUrl (include "datalab.names.known-url" .)) -}}
{{- $found = append $found "auth.type is oidc: where browsers come back to is unknown; set hub.publicUrl (or ingress.hosts, httpRoute.hostnames, proxy.https.hosts)" -}}
{{- end -}}
{{- end -}}
{{- if and (eq $values.singleuser.storage.type "static") (not $values.singleuser.storage.static.pvcName) -}}
{{- $found = append $found "singleuser.storage.type is static: name the shared claim in singleuser.storage.static.pvcName" -}}
{{- end -}}
{{- range $key := list "metrics" "view" -}}
{{- if and (get $values.homes $key).enabled (ne $values.singleuser.storage.type "static") -}}
{{- $instead := ternary "kubelet_volume_stats_used_bytes tells each claim's size" "no pod can mount the claims of all users" (eq $key "metrics") -}}
{{- $found = append $found (printf "homes.%s.enabled needs one claim with a folder per user (singleuser.storage.type static), and it is %s: %s; switch it off" $key $values.singleuser.storage.type $instead) -}}
{{- end -}}
{{- end -}}
{{- range $name, $shared := $values.singleuser.sharedData -}}
{{- if and (eq $values.singleuser.storage.type "static") (eq $shared.pvcName $values.singleuser.storage.static.pvcName) (not $shared.subPath) -}}
{{- $found = append $found (printf "singleuser.sharedData.%s mounts the whole claim of the homes into every server: name a folder of it in subPath, or another claim" $name) -}}
{{- end -}}
{{- end -}}
{{- if and $values.singleuser.otherImage.enabled (not $values.singleuser.allowedImages) -}}
{{- $found = append $found "singleuser.otherImage.enabled: allowedImages names no image that users may choose" -}}
{{- end -}}
{{- $outside := include "datalab.netpol.has-internet" (list . "hub") -}}
{{- range $values.networkPolicy.egress -}}
{{- if has "hub" (.for | default list) -}}{{- $outside = "yes" -}}{{- end -}}
{{- end -}}
{{- if and (has $values.hub.db.type (list "postgres" "other")) $values.networkPolicy.enabled (not $outside) -}}
{{- $found = append $found (printf "hub.db.type is %s: no policy lets the hub reach the database; add it to networkPolicy.egress with for: [hub]" $values.hub.db.type) -}}
{{- end -}}
{{- if and $values.hpda.enabled (not (and $values.hpda.address $values.hpda.schedulerAddress)) -}}
{{- $found = append $found "hpda.enabled: name the gateway of the HPC centre in hpda.address and hpda.schedulerAddress" -}}
{{- end -}}
{{- if and $values.hpda.enabled $values.networkPolicy.enabled (not $values.hpda.peers) -}}
{{- $found = append $found "hpda.enabled: no policy lets user servers reach the centre's login node; name it in hpda.peers, as in [{ipBlock: {cidr: 192.0.2.7/32}}]" -}}
{{- end -}}
{{- if and $values.global.caBundle.content $values.global.caBundle.configMap -}}
{{- $found = append $found "global.caBundle: content and configMap exclude each other" -}}
{{- end -}}
{{- $found = concat $found (include "datalab.way-out.checks" . | fromYamlArray) -}}
{{- if and $values.gateway.backend.createNamespace (not $values.gateway.backend.namespace) -}}
{{- $found = append $found "gateway.backend.createNamespace: name it in gateway.backend.namespace" -}}
{{- end -}}
{{- if include "datalab.proxy.tls" . -}}
{{- if or $values.ingress.enabled $values.httpRoute.enabled -}}
{{- $found = append $found "proxy.https.type is secret: ingress and httpRoute talk http to the proxy, which would redirect them for ever; let them serve TLS, or switch them off" -}}
{{- end -}}
{{- if not $values.proxy.https.secret.name -}}
{{- $found = append $found "proxy.https.type is secret: name the Secret with the certificate in proxy.https.secret.name" -}}
{{- end -}}
{{- end -}}
{{- if and $values.httpRoute.enabled (not $values.httpRoute.gateway.name) -}}
{{- $found = append $found "httpRoute.enabled: name the Gateway in httpRoute.gateway.name" -}}
{{- end -}}
{{- if $found -}}
{{- fail (printf "these values do not go together:\n  %s" (join "\n  " $found)) -}}
{{- end -}}
{{- end -}}
