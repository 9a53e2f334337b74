"""What the pages say in English."""

from __future__ import annotations

from http_gateway.pages.texts import PageTexts, Texts

ENGLISH = Texts(
    reset_password=PageTexts(
        title="Choose a new password",
        lead="It replaces the old one, and signs you out everywhere.",
        button="Change password",
        done_title="Your password is changed",
        done="You have been signed out everywhere. Sign in with the new password. You can close this page.",
    ),
    verify_email=PageTexts(
        title="Confirm your email address",
        lead="Press the button to confirm that the address that this link was mailed to is yours.",
        button="Confirm address",
        done_title="Your email address is confirmed",
        done="Thank you. You can close this page.",
    ),
    confirm_email=PageTexts(
        title="Confirm your new email address",
        lead="Press the button to use the address that this link was mailed to from now on.",
        button="Change address",
        done_title="Your email address is changed",
        done="Use the new address from now on, also to sign in. You can close this page.",
    ),
    new_password="New password",
    new_password_hint="A long one is a good one, such as several words. Spaces and all other characters are welcome.",
    repeated="The same password again",
    error_prefix="Error: ",
    link_title="This link does not work",
    link_incomplete="Its end is missing. Open the link in the mail itself, or copy all of it.",
    link_dead=(
        "Perhaps it was used already, it has expired, or a newer one was sent. If what you wanted is not done, ask for"
        " a new link."
    ),
    address_taken="The address belongs to another account by now, so nothing was changed.",
    password_missing="Enter a new password.",
    password_too_short="This password is too short: it must have at least {least} characters.",
    passwords_differ="The two passwords were not the same. Enter the same one twice.",
    password_rules={
        "too_long": "This password is too long: it may have at most 256 characters.",
        "common": "Many people have this password, so it is guessed first. Choose another one.",
        "listed": "This password is not allowed here. Choose another one.",
        "email": "This password is made of your email address. Choose another one.",
        "name": "This password is made of your name. Choose another one.",
        "product": "This password is made of the name of this service. Choose another one.",
    },
    password_refused="This password is not accepted. Choose another one.",
    not_own_form="This was not sent from this page, so nothing was done. If it is what you want, send it now.",
    try_again="That did not work just now. Try again in a moment.",
    broken="That did not work, and the fault is ours. Try again later.",
)
