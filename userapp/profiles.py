"""What the three security profiles set where an operator has not set it alone."""

PROFILES: dict[str, dict[str, object]] = {
    "documented": {
        "DISCLOSURE": "always",
        "PASSWORD_MIN": 6,
        "PASSWORD_MAX": 32,
        "FRESH_SECONDS": 0,
        "RESET_UNVERIFIED": "yes",
        "QUERY_TOKEN": "query",
        "LOGIN_TRIES_IN_A_ROW": 0,
    },
    "balanced": {
        "DISCLOSURE": "names",
        "PASSWORD_MIN": 8,
        "PASSWORD_MAX": 128,
        "FRESH_SECONDS": 900,
        "RESET_UNVERIFIED": "yes",
        "QUERY_TOKEN": "body",
        "LOGIN_TRIES_IN_A_ROW": 0,
    },
    "strict": {
        "DISCLOSURE": "never",
        "PASSWORD_MIN": 15,
        "PASSWORD_MAX": 128,
        "FRESH_SECONDS": 300,
        "RESET_UNVERIFIED": "no",
        "QUERY_TOKEN": "no",
        "LOGIN_TRIES_IN_A_ROW": 100,
    },
}
