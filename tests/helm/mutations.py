"""Break the chart on purpose, one way after another, and see that a test fails each time.

    scripts/chart mutate            all of them
    scripts/chart mutate rights     those whose name contains this

The tests must pass on an unchanged copy first. Each mutation names the test that must notice; a
mutation whose text is no longer in the chart is an error, so the list cannot go stale.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHART = HERE.parent.parent / "helm/geodes-datalab"


@dataclass(frozen=True)
class Mutation:
    """A way to break the chart, and who must notice."""

    name: str
    file: str
    pattern: str
    replacement: str
    test: str

    def apply(self, chart: Path) -> None:
        """Break a copy."""
        path = chart / self.file
        text, count = re.subn(
            self.pattern, self.replacement, path.read_text(), count=1, flags=re.MULTILINE
        )
        if not count:
            raise SystemExit(f"{self.name}: {self.pattern!r} is no longer in {self.file}")
        path.write_text(text)


MUTATIONS = (
    Mutation(
        "rights: the hub may read Secrets",
        "templates/hub/role.yaml",
        r"resources: \[pods\]",
        "resources: [pods, secrets]",
        "test_rights.py::test_the_hub_reads_no_secrets",
    ),
    Mutation(
        "rights: one verb more for the gateway",
        "templates/gateway/api-role.yaml",
        r"verbs: \[get\]",
        "verbs: [get, list]",
        "test_rights.py::test_roles_hold_exactly_the_verbs_that_are_used",
    ),
    Mutation(
        "rights: a wildcard",
        "templates/gateway/controller-role.yaml",
        r"verbs: \[list, watch, delete\]",
        'verbs: ["*"]',
        "test_rights.py::test_no_wildcards",
    ),
    Mutation(
        "rights: a ClusterRole",
        "templates/hub/role.yaml",
        r"^kind: Role$",
        "kind: ClusterRole",
        "test_objects.py::test_nothing_is_cluster_wide",
    ),
    Mutation(
        "rights: the proxy holds a token",
        "templates/_pod.tpl",
        r"automountServiceAccountToken: \{\{ \.token \| default false \}\}",
        "automountServiceAccountToken: true",
        "test_pods.py::test_only_callers_of_the_api_hold_a_token",
    ),
    Mutation(
        "homes: a mount that can be written",
        "templates/homes/deployment.yaml",
        r"mountPath: /homes\n        readOnly: true",
        "mountPath: /homes",
        "test_homes.py::test_homes_are_mounted_read_only_twice_over",
    ),
    Mutation(
        "homes: a volume that can be written",
        "templates/homes/deployment.yaml",
        r"pvcName \| toJson \}\}\n      readOnly: true",
        "pvcName | toJson }}",
        "test_homes.py::test_homes_are_mounted_read_only_twice_over",
    ),
    Mutation(
        "homes: a view that nobody asked for",
        "values.yaml",
        r"^  view:\n    enabled: false",
        "  view:\n    enabled: true",
        "test_homes.py::test_off_mounts_nothing",
    ),
    Mutation(
        "homes: users' servers reach the pod",
        "templates/homes/networkpolicy.yaml",
        r'\(list \. "hub"\) \| indent 10',
        '(list . "user") | indent 10',
        "test_policies.py::test_every_pair_of_pods",
    ),
    Mutation(
        "pods: privilege escalation",
        "templates/_pod.tpl",
        r"allowPrivilegeEscalation: false",
        "allowPrivilegeEscalation: true",
        "test_pods.py::test_pod_security_restricted_lets_every_pod_in",
    ),
    Mutation(
        "pods: no system call filter",
        "templates/_pod.tpl",
        r"type: RuntimeDefault",
        "type: Unconfined",
        "test_pods.py::test_pod_security_restricted_lets_every_pod_in",
    ),
    Mutation(
        "pods: a writable root",
        "templates/_pod.tpl",
        r"readOnlyRootFilesystem: true",
        "readOnlyRootFilesystem: false",
        "test_pods.py::test_the_root_is_read_only",
    ),
    Mutation(
        "pods: no memory limit",
        "values.yaml",
        r"limits: \{cpu: 500m, memory: 256Mi\}",
        "limits: {cpu: 500m}",
        "test_pods.py::test_requests_and_limits",
    ),
    Mutation(
        "pods: a hub without a liveness probe",
        "templates/hub/deployment.yaml",
        r"^    livenessProbe:.*\n",
        "",
        "test_pods.py::test_probes",
    ),
    Mutation(
        "pods: two hubs at a time during an upgrade",
        "templates/hub/deployment.yaml",
        r"type: Recreate",
        "type: RollingUpdate",
        "test_pods.py::test_databases_and_routes_are_never_held_twice",
    ),
    Mutation(
        "policies: users reach users",
        "templates/users/networkpolicy.yaml",
        r'"hub"\) \| indent 10',
        '"user") | indent 10',
        "test_policies.py::test_every_pair_of_pods",
    ),
    Mutation(
        "policies: the metadata address is internet",
        "templates/_netpol.tpl",
        r'"169\.254\.0\.0/16" ',
        "",
        "test_policies.py::test_private_addresses_are_closed",
    ),
    Mutation(
        "policies: IPv6 is forgotten",
        "templates/_netpol.tpl",
        r'"fc00::/7" ',
        "",
        "test_policies.py::test_private_addresses_are_closed",
    ),
    Mutation(
        "policies: workers are held one way only",
        "templates/gateway/worker-networkpolicy.yaml",
        r"policyTypes: \[Ingress, Egress\]",
        "policyTypes: [Egress]",
        "test_policies.py::test_every_pair_of_pods",
    ),
    Mutation(
        "policies: any scheduler of any release",
        "templates/_labels.tpl",
        r"^gateway\.dask\.org/instance: .*\n",
        "",
        "test_policies.py::test_strangers_reach_the_public_port_alone",
    ),
    Mutation(
        "policies: default deny does not cover Dask's pods",
        "templates/gateway/scheduler-networkpolicy.yaml",
        r'"dask-scheduler"\) \| nindent 6',
        '"dask-other") | nindent 6',
        "test_policies.py::test_every_pair_of_pods",
    ),
    Mutation(
        "policies: the API server for everybody",
        "templates/users/networkpolicy.yaml",
        r'(\{\{- include "datalab\.netpol\.dns" \. \| nindent 4 \}\})',
        r'\1\n    {{- include "datalab.netpol.api-server" . | nindent 4 }}',
        "test_policies.py::test_the_api_server_is_reached_by_its_callers_alone",
    ),
    Mutation(
        "secrets: the culler sees the hub's cookie secret",
        "templates/culler/deployment.yaml",
        r'\(list "cull\.token"\)\) \| indent',
        '(list "cull.token" "hub.cookie-secret")) | indent',
        "test_secrets.py::test_a_pod_sees_only_the_keys_it_needs",
    ),
    Mutation(
        "secrets: deleted at uninstallation",
        "templates/secrets/secret.yaml",
        r"helm\.sh/resource-policy: keep",
        "helm.sh/resource-policy: delete",
        "test_secrets.py::test_a_secret_is_kept_at_uninstallation",
    ),
    Mutation(
        "secrets: a value in the settings",
        "templates/_secrets.tpl",
        r'\{\{- dict "file" \(printf "/etc/geodes-datalab/secrets/%s" \(index \. 1\)\) \| toJson -\}\}',
        '{{- dict "file" (get (index . 0).Values.secrets.values (index . 1)) | toJson -}}',
        "test_secrets.py::test_no_value_lies_outside_a_secret",
    ),
    Mutation(
        "names: outside the one helper",
        "templates/culler/deployment.yaml",
        r'name: \{\{ include "datalab\.names\.culler" \. \| toJson \}\}',
        "name: culler",
        "test_objects.py::test_names_begin_with_the_full_name",
    ),
    Mutation(
        "names: a file without quotes",
        "templates/_settings.tpl",
        r"path: \{\{ toJson \$name \}\}",
        "path: {{ $name }}",
        "test_names.py::test_the_settings_hold_the_names",
    ),
    Mutation(
        "names: a variable without quotes",
        "templates/_pod.tpl",
        r"- name: \{\{ toJson \$name \}\}\n  \{\{- if",
        "- name: {{ $name }}\n  {{- if",
        "test_names.py::test_no_name_became_a_number_or_a_truth",
    ),
    Mutation(
        "names: a selector that finds another release",
        "templates/_labels.tpl",
        r"^app\.kubernetes\.io/instance: .*$",
        "app.kubernetes.io/instance: datalab",
        "test_objects.py::test_two_releases_share_a_namespace",
    ),
    Mutation(
        "stability: something random in each rendering",
        "templates/hub/deployment.yaml",
        r"geodes-datalab/config: .*$",
        "geodes-datalab/config: {{ randAlphaNum 8 }}",
        "test_objects.py::test_two_renders_are_identical",
    ),
    Mutation(
        "stability: a new version restarts the proxy",
        "templates/proxy/deployment.yaml",
        r"geodes-datalab/files: .*$",
        "geodes-datalab/files: {{ .Values | toJson | sha256sum | trunc 8 | quote }}",
        "test_objects.py::test_a_change_restarts_what_it_concerns",
    ),
    Mutation(
        "objects: a field that Kubernetes does not know",
        "templates/culler/deployment.yaml",
        r"replicas: 1",
        "replica: 1",
        "test_objects.py::test_kubernetes_accepts_every_object",
    ),
    Mutation(
        "objects: a service that finds nobody",
        "templates/hub/service.yaml",
        r'"datalab\.labels\.selector" \(list \. "hub"\)',
        '"datalab.labels.selector" (list . "hubb")',
        "test_objects.py::test_a_service_finds_exactly_one_kind_of_pod",
    ),
    Mutation(
        "settings: a key that the hub does not know",
        "templates/_settings.tpl",
        r"^  connectUrl:",
        "  conectUrl:",
        "test_settings.py::test_the_hub_accepts_the_settings",
    ),
    Mutation(
        "values: a key without a description",
        "values.schema.yaml",
        r"description: Labels of every object\.",
        'description: ""',
        "test_values.py::test_every_key_is_described",
    ),
    Mutation(
        "values: a key that the schema does not know",
        "values.yaml",
        r"^  every: 300$",
        "  every: 300\n  sometimes: 1",
        "test_values.py::test_values_and_schema_have_the_same_keys",
    ),
    Mutation(
        "values: a table that is not made anew",
        "README.md",
        r"Seconds without use,",
        "Minutes without use,",
        "test_values.py::test_what_is_generated_is_up_to_date",
    ),
    Mutation(
        "values: another version than the package's",
        "Chart.yaml",
        r"^appVersion: .*$",
        "appVersion: 9.9.9",
        "test_values.py::test_chart_and_package_have_the_same_version",
    ),
    Mutation(
        "messages: unknown names pass",
        "templates/values/validate.yaml",
        r"\{\{- with \$problems\.lines \}\}",
        "{{- with list }}",
        "test_failures.py::test_wrong_values_are_refused",
    ),
    Mutation(
        "messages: secrets are made up without a cluster",
        "templates/_secrets.tpl",
        r'\{\{- include "datalab\.secrets\.refuse" \$root -\}\}',
        "",
        "test_failures.py::test_secrets_are_never_made_up_without_a_cluster",
    ),
    Mutation(
        "messages: no word about the shared password",
        "templates/NOTES.txt",
        r"ONE PASSWORD FOR EVERYBODY",
        "One password",
        "test_failures.py::test_notes_warn",
    ),
    Mutation(
        "monitoring: a metric that does not exist",
        "templates/monitoring/alerts.yaml",
        r"geodes_datalab_spawn_failures_total",
        "geodes_datalab_spawn_failure_total",
        "test_monitoring.py::test_every_metric_exists",
    ),
    Mutation(
        "monitoring: a query that cannot be parsed",
        "dashboards/dask.json",
        r"sum by \(user\)",
        "sum by user",
        "test_monitoring.py::test_prometheus_understands_every_query",
    ),
    Mutation(
        "monitoring: metrics without a token",
        "templates/monitoring/servicemonitors.yaml",
        r"key: \{\{.*$",
        "key: other",
        "test_monitoring.py::test_metrics_are_read_with_the_token",
    ),
    Mutation(
        "zero-to-jupyterhub: a key is forgotten",
        "moved-keys.yaml",
        r"^  hub\.redirectToServer: .*\n",
        "",
        "test_from_zero.py::test_every_key_is_answered_for",
    ),
    Mutation(
        "zero-to-jupyterhub: a wrong target",
        "moved-keys.yaml",
        r"ours: prePuller\.pullProfileImages",
        "ours: prePuller.pullImages",
        "test_from_zero.py::test_the_answers_are_true",
    ),
)


def failed(tests: Iterable[str], change: Callable[[Path], None]) -> bool:
    """Tell whether tests fail on a changed copy of the chart."""
    with tempfile.TemporaryDirectory(prefix="geodes-datalab-mutation-") as folder:
        copy = Path(folder) / CHART.name
        shutil.copytree(CHART, copy)
        change(copy)
        arguments = [*(str(HERE / test) for test in tests), f"--chart={copy}", "-x", "-q"]
        said = io.StringIO()
        # In this process: starting pytest takes longer than most of these tests.
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = pytest.main([*arguments, "--no-header", "-p", "no:cacheprovider"])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise SystemExit(f"pytest ended with {code!r}\n{said.getvalue()}")
    return code == pytest.ExitCode.TESTS_FAILED


def main(wanted: list[str]) -> int:
    """Print who noticed what; fail when something passed unseen."""
    unseen = 0
    chosen = [m for m in MUTATIONS if all(word in m.name for word in wanted)]
    if failed(sorted({m.test for m in chosen}), lambda chart: None):
        raise SystemExit("these tests fail on the whole chart already: mend that first")
    for mutation in chosen:
        seen = failed([mutation.test], mutation.apply)
        unseen += not seen
        print(f"{'noticed' if seen else 'UNSEEN':8} {mutation.name:55} {mutation.test}", flush=True)
    print(f"{len(chosen) - unseen} of {len(chosen)} noticed")
    return 1 if unseen else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
