"""Names of files that usually hold a secret. They stay on the laptop unless ``[push] include`` names them.

By name alone, so that the answer is cheap and predictable: a wrong guess costs one line of configuration, a
leaked key costs more. Also what git tracks is held back, since a mailbox is read by other machines. Patterns are
git's, matched in lower case at any depth; a later one wins, and ``!`` makes an exception.
"""

from .ignore import NO_RULE, Level, Rule, read_rules, top

_TABLE = (
    (".env .env.* *.env .envrc", "environment variables, often with passwords"),
    ("!.env.example !.env.sample !.env.template !.env.dist !.env.defaults", "made to be shared"),
    ("*.pem *.key *.p12 *.pfx *.jks *.keystore *.ppk", "a private key or certificate store"),
    ("id_rsa* id_dsa* id_ecdsa* id_ed25519*", "an SSH key"),
    (".ssh/ .gnupg/", "keys"),
    (".aws/ .gcloud/ .kaggle/ .kube/", "a service's credentials"),
    (
        "credentials.json credentials.csv client_secret*.json token.json token.pickle",
        "OAuth or cloud credentials",
    ),
    ("application_default_credentials.json service-account*.json service_account*.json", "cloud credentials"),
    ("kaggle.json .boto .s3cfg rclone.conf .vault-token .databrickscfg", "a service's credentials"),
    (".netrc _netrc .git-credentials .pgpass .my.cnf .htpasswd", "passwords"),
    (".npmrc .pypirc .dockercfg .terraformrc", "package registry credentials"),
    ("secrets.json secrets.toml secrets.yaml secrets.yml *.kdbx", "secrets"),
)


class Secrets:
    """``file(name)`` and ``folder(name)`` say what a lower-case name is held back for: a clause, or None."""

    def __init__(self) -> None:
        self._level, self._reasons = _load()

    def file(self, name: bytes) -> str | None:
        return self._reason(self._level.file(name))

    def folder(self, name: bytes) -> str | None:
        return self._reason(self._level.folder(name))

    def _reason(self, number: int) -> str | None:
        if number == NO_RULE or self._level.rules[number].pattern.negated:
            return None
        return self._reasons[number]


def _load() -> tuple[Level, list[str]]:
    rules: list[Rule] = []
    reasons: list[str] = []
    for patterns, reason in _TABLE:
        found, _ = read_rules(patterns.replace(" ", "\n").encode(), "secrets", ignore_case=True)
        rules += found
        reasons += [reason] * len(found)
    return top(ignore_case=True).add(rules), reasons
