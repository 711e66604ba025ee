{{/* What all pods have in common: who they run as, and that they may do nothing else. */}}
{{- define "patchbay.podSecurity" -}}
automountServiceAccountToken: false
serviceAccountName: {{ include "patchbay.name" . }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "patchbay.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "patchbay.tracesEnv" -}}
{{- with .Values.traces.endpoint -}}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end -}}
{{- end -}}

{{/* How a process comes to Kafka; `who` is a kind of login in rights.json. */}}
{{- define "patchbay.logEnv" -}}
{{- $kafka := .root.Values.kafka -}}
- name: KAFKA_BOOTSTRAP_SERVERS
  value: {{ include "patchbay.bootstrapServers" .root | quote }}
- name: TOPIC
  value: {{ .root.Values.topic.name | quote }}
{{- if include "patchbay.kafkaTls" .root }}
- name: KAFKA_SECURITY_PROTOCOL
  value: {{ include "patchbay.kafkaProtocol" .root }}
{{- if include "patchbay.kafkaAuthority" .root }}
- name: KAFKA_SSL_CA_FILE
  value: /etc/patchbay/kafka/ca.crt
{{- end }}
{{- end }}
{{- if include "patchbay.kafkaLogins" .root }}
{{- $user := (index (.root.Files.Get "rights.json" | fromJson) .who).user }}
{{- $secret := ternary $user (index $kafka.logins .who) $kafka.strimzi.enabled }}
- name: KAFKA_SASL_USERNAME
  value: {{ $user }}
- name: KAFKA_SASL_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ required (printf "kafka.logins.%s names the secret with the password of %s" .who $user) $secret }}
      key: password
{{- end }}
{{- end -}}

{{/* DATABASE_URL of "owner", "api", "projector" or "routing". With CloudNativePG the password is asyncpg's PGPASSWORD: it need not be encoded. */}}
{{- define "patchbay.databaseEnv" -}}
{{- $pg := .root.Values.postgres -}}
{{- if $pg.cnpg.enabled -}}
{{- $login := ternary "patchbay" (printf "patchbay_%s" .who) (eq .who "owner") -}}
{{- $secret := ternary (printf "%s-app" $pg.cnpg.name) (index $pg.logins .who) (eq .who "owner") -}}
- name: DATABASE_URL
  value: {{ printf "postgresql://%s@%s-rw:%v/patchbay?sslmode=verify-full&sslrootcert=/etc/patchbay/postgres/ca.crt" $login $pg.cnpg.name $pg.port | quote }}
- name: PGPASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ required (printf "postgres.logins.%s names the secret of the login %s" .who $login) $secret }}
      key: password
{{- else -}}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ required (printf "postgres.logins.%s names the secret with the database's URL; or set postgres.cnpg.enabled" .who) (index $pg.logins .who) }}
      key: url
{{- end -}}
{{- end -}}

{{- define "patchbay.settingsEnv" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "patchbay.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: http{{ .scheme }}}
  periodSeconds: 2
  failureThreshold: 90
livenessProbe:
  httpGet: {path: /livez, port: http{{ .scheme }}}
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
{{- end -}}

{{- define "patchbay.spread" -}}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "patchbay.selector" $.root | nindent 8 }}
        app.kubernetes.io/component: {{ $.component }}
  {{- end }}
{{- end -}}

{{/* Name of a mount and of the secret with what is mounted; `tls` is the secret of the API's listener. */}}
{{- define "patchbay.secretFiles" -}}
{{- $pg := .root.Values.postgres -}}
{{- with ternary (printf "%s-ca" $pg.cnpg.name) $pg.authoritySecret $pg.cnpg.enabled }}
postgres: {{ . }}
{{- end }}
{{- with include "patchbay.kafkaAuthority" .root }}
kafka: {{ . }}
{{- end }}
{{- with .tls }}
tls: {{ . }}
{{- end }}
{{- end -}}

{{- define "patchbay.volumeMounts" -}}
{{- with include "patchbay.secretFiles" . | fromYaml }}
volumeMounts:
  {{- range $name, $secret := . }}
  - {name: {{ $name }}, mountPath: /etc/patchbay/{{ $name }}, readOnly: true}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "patchbay.volumes" -}}
{{- with include "patchbay.secretFiles" . | fromYaml }}
volumes:
  {{- range $name, $secret := . }}
  - name: {{ $name }}
    secret:
      secretName: {{ $secret }}
      {{- if ne $name "tls" }}
      items: [{key: ca.crt, path: ca.crt}]
      {{- end }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Not empty: connections to Kafka are TLS; with a login. The authority is the secret with ca.crt. */}}
{{- define "patchbay.kafkaTls" -}}
{{- if or .Values.kafka.strimzi.enabled .Values.kafka.tls }}yes{{ end -}}
{{- end -}}
{{- define "patchbay.kafkaLogins" -}}
{{- if and .Values.kafka.logins.api (not (include "patchbay.kafkaTls" .)) }}{{ fail "kafka.logins needs kafka.tls: a login is sent by TLS alone" }}{{ end -}}
{{- if or .Values.kafka.strimzi.enabled .Values.kafka.logins.api }}yes{{ end -}}
{{- end -}}
{{- define "patchbay.kafkaProtocol" -}}
{{- if include "patchbay.kafkaLogins" . }}SASL_SSL{{ else }}SSL{{ end -}}
{{- end -}}
{{- define "patchbay.kafkaAuthority" -}}
{{- if .Values.kafka.strimzi.enabled }}{{ printf "%s-cluster-ca-cert" .Values.kafka.strimzi.name }}{{ else if .Values.kafka.tls }}{{ .Values.kafka.authoritySecret }}{{ end -}}
{{- end -}}
