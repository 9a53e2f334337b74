"""Links in mails, which lead to a configured address and never to one that a request named."""

from __future__ import annotations

from dataclasses import dataclass

from auth_server.domain.mails import MailKind

RESET_PATH = "/reset-password?token={token}"
VERIFY_PATH = "/verify-email?token={token}"
CONFIRM_PATH = "/confirm-email?token={token}"


@dataclass(frozen=True, slots=True)
class Links:
    """Where mailed links lead (OWASP, Forgot Password: never by the Host header)."""

    base: str
    """Scheme and host, and a path where the pages do not lie at the root."""
    reset_path: str = RESET_PATH
    verify_path: str = VERIFY_PATH
    confirm_path: str = CONFIRM_PATH

    def of(self, kind: MailKind, token: str) -> str:
        """The link of a mail of this kind.

        Raises:
            KeyError: mails of this kind have no link.
        """
        paths = {
            MailKind.RESET_PASSWORD: self.reset_path,
            MailKind.VERIFY_EMAIL: self.verify_path,
            MailKind.CONFIRM_NEW_EMAIL: self.confirm_path,
        }
        return self.base.rstrip("/") + paths[kind].replace("{token}", token)
