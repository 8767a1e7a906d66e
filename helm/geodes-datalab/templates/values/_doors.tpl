{{- /*
  Who may log in, and what hub.config and gateway.config name: refused where a word has no effect. What
  there is stands in files/traits.json, made from the classes themselves by `make chart`.
*/}}

{{- /*
  doors.class: the class behind auth.type; empty where there is no such one. A class of the site's own
  is what stands after its last dot.
  Input: dict "type" "known" (traits.json)
*/}}
{{- define "datalab.doors.class" -}}
{{- if hasKey .known.kinds .type -}}
  {{ get .known.kinds .type }}
{{- else if and (contains "." .type) (not (include "datalab.doors.elsewhere" .)) -}}
  {{ splitList "." .type | last }}
{{- end -}}
{{- end }}

{{- /* doors.elsewhere: what to do instead of an auth.type that there is not. Input: as above. */}}
{{- define "datalab.doors.elsewhere" -}}
{{- $found := "" -}}
{{- range $name, $advice := .known.elsewhere -}}
  {{- if or (eq $name $.type) (hasPrefix (printf "%s." $name) $.type) -}}{{- $found = $advice -}}{{- end -}}
{{- end -}}
{{- if or (hasPrefix "local-" .type) (regexMatch "^oauthenticator\\..*\\.Local" .type) -}}
  {{- $found = .known.local -}}
{{- end -}}
{{- $found -}}
{{- end }}

{{- /*
  doors.check: collect problems with auth.type, auth.allowAll, hub.config and gateway.config.
  Input: dict "root" (the root context) "problems" (dict "lines" list: appended to)
*/}}
{{- define "datalab.doors.check" -}}
{{- $known := .root.Files.Get "files/traits.json" | fromJson }}
{{- $auth := .root.Values.auth }}
{{- $door := dict "type" $auth.type "known" $known }}
{{- $class := include "datalab.doors.class" $door }}
{{- $lines := .problems.lines }}
{{- if not $class }}
  {{- $best := include "datalab.values.nearest" (dict "name" $auth.type "candidates" (keys $known.kinds)) | fromJson }}
  {{- $advice := include "datalab.doors.elsewhere" $door | default (ternary (printf "Did you mean %s?" $best.name) "the table of values lists what there is" (ge (int $best.score) 45)) }}
  {{- $lines = append $lines (printf "auth.type: there is no %s to log in with. %s" $auth.type $advice) }}
{{- else if and $auth.allowAll (not (has $auth.type $known.site)) }}
  {{- $lines = append $lines (printf "auth.allowAll: it would let every account of %s in. Name who may log in: auth.users, auth.admins, or the provider's groups or organizations in hub.config.%s" $auth.type $class) }}
{{- else if and $auth.allowAll (or $auth.users (and (eq $auth.type "oidc") $auth.oidc.allowedGroups)) }}
  {{- $lines = append $lines "auth.allowAll: it lets everybody in, so leave auth.users and auth.oidc.allowedGroups out, or allowAll" }}
{{- end }}
{{- $_ := set .problems "lines" $lines }}
{{- include "datalab.doors.traits" (dict "place" "hub.config" "config" .root.Values.hub.config "classes" $known.hub "own" $class "problems" .problems) }}
{{- include "datalab.doors.traits" (dict "place" "gateway.config" "config" .root.Values.gateway.config "classes" $known.gateway "own" "" "problems" .problems) }}
{{- if $class }}
  {{- include "datalab.doors.effect" (dict "auth" $auth "config" .root.Values.hub.config "known" $known "class" $class "problems" .problems) }}
{{- end }}
{{- end }}

{{- /*
  doors.traits: collect classes and traits that do not exist. Of the operator's own class nothing is
  known but its name.
  Input: dict "place" "config" (class -> trait -> value) "classes" (traits.json) "own" "problems"
*/}}
{{- define "datalab.doors.traits" -}}
{{- range $class, $traits := .config }}
  {{- if hasKey $.classes $class }}
    {{- $names := list }}
    {{- range prepend (get $.classes $class).of $class }}
      {{- $names = concat $names (splitList " " (get $.classes .).traits) }}
    {{- end }}
    {{- range $trait, $_ := $traits | default dict }}
      {{- if not (has $trait $names) }}
        {{- $best := include "datalab.values.nearest" (dict "name" $trait "candidates" (uniq $names)) | fromJson }}
        {{- $advice := ternary (printf " Did you mean %s?" $best.name) "" (ge (int $best.score) 45) }}
        {{- $_ := set $.problems "lines" (append $.problems.lines (printf "%s.%s.%s: there is no such trait.%s" $.place $class $trait $advice)) }}
      {{- end }}
    {{- end }}
  {{- else if ne $class $.own }}
    {{- $best := include "datalab.values.nearest" (dict "name" $class "candidates" (keys $.classes)) | fromJson }}
    {{- $advice := ternary (printf "Did you mean %s?" $best.name) "Classes of your own are set in Python, by extraConfig" (ge (int $best.score) 45) }}
    {{- $_ := set $.problems "lines" (append $.problems.lines (printf "%s.%s: there is no such class here. %s" $.place $class $advice)) }}
  {{- end }}
{{- end }}
{{- end }}

{{- /*
  doors.effect: collect lists of people that would have no effect: of another authenticator, beside
  auth.oidc, or of groups that nobody tells; and traits that were given up.
  Input: dict "auth" (values) "config" "known" "class" (the authenticator's) "problems"
*/}}
{{- define "datalab.doors.effect" -}}
{{- $lines := .problems.lines }}
{{- $line := list .class }}
{{- if hasKey .known.hub .class }}{{- $line = prepend (get .known.hub .class).of .class }}{{- end }}
{{- $said := dict }}
{{- range $class, $traits := .config }}
  {{- $of := list }}
  {{- if hasKey $.known.hub $class }}{{- $of = (get $.known.hub $class).of }}{{- end }}
  {{- if and (has "Authenticator" $of) (not (has $class $line)) (hasKey $.known.hub $.class) (ne $class "Doors") }}
    {{- $lines = append $lines (printf "hub.config.%s: it has no effect, because auth.type is %s. Set auth.type, or hub.config.%s" $class $.auth.type $.class) }}
  {{- else if has $class $line }}
    {{- range $trait, $now := get $.known.gone $.class | default dict }}
      {{- if hasKey ($traits | default dict) $trait }}
        {{- $lines = append $lines (printf "hub.config.%s.%s: it is no more, and would stop the hub; use %s" $class $trait $now) }}
      {{- end }}
    {{- end }}
    {{- $said = merge $said ($traits | default dict) }}
    {{- if eq $.auth.type "oidc" }}
      {{- range $trait, $ours := dict "allowed_groups" "allowedGroups" "admin_groups" "adminGroups" }}
        {{- if hasKey ($traits | default dict) $trait }}
          {{- $lines = append $lines (printf "hub.config.%s.%s: use auth.oidc.%s instead" $class $trait $ours) }}
        {{- end }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- $groups := or (get $said "allowed_groups") (get $said "admin_groups") }}
{{- $told := or (has .class .known.groups) (hasKey $said "auth_state_groups_key") }}
{{- if and $groups (has "OAuthenticator" $line) (not $told) }}
  {{- $lines = append $lines (printf "hub.config.%s.allowed_groups: it needs auth_state_groups_key, which says where the provider tells somebody's groups" .class) }}
{{- end }}
{{- if .auth.allowAll }}
  {{- range $trait, $value := $said }}
    {{- if and $value (hasPrefix "allowed_" $trait) (ne $trait "allowed_users") }}
      {{- $lines = append $lines (printf "hub.config.%s.%s: it has no effect, because auth.allowAll lets everybody in" $.class $trait) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- $_ := set .problems "lines" $lines }}
{{- end }}

{{- /*
  doors.nobody: "yes" where nobody at all may log in. Input: the root context.
*/}}
{{- define "datalab.doors.nobody" -}}
{{- $auth := .Values.auth -}}
{{- $known := .Files.Get "files/traits.json" | fromJson -}}
{{- $open := or (eq $auth.type "shared-password") $auth.allowAll $auth.users $auth.admins (not (hasKey $known.kinds $auth.type)) -}}
{{- if eq $auth.type "oidc" -}}{{- $open = or $open $auth.oidc.allowedGroups $auth.oidc.adminGroups -}}{{- end -}}
{{- range $class, $traits := .Values.hub.config -}}
{{- range $trait, $value := $traits | default dict -}}
{{- if and $value (or (eq $trait "idps") (eq $trait "allow_existing_users") (regexMatch "^(allowed_|admin_.*groups$|.*_whitelist$)" $trait)) -}}{{- $open = true -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if not $open -}}yes{{- end -}}
{{- end }}
