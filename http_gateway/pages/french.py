"""What the pages say in French."""

from __future__ import annotations

from http_gateway.pages.texts import PageTexts, Texts

FRENCH = Texts(
    reset_password=PageTexts(
        title="Choisissez un nouveau mot de passe",
        lead="Il remplace l’ancien et vous déconnecte partout.",
        button="Changer le mot de passe",
        done_title="Votre mot de passe est modifié",
        done=(
            "Vous avez été déconnecté partout. Connectez-vous avec le nouveau mot de passe. Vous pouvez fermer cette"
            " page."
        ),
    ),
    verify_email=PageTexts(
        title="Confirmez votre adresse e-mail",
        lead="Appuyez sur le bouton pour confirmer que l’adresse à laquelle ce lien a été envoyé est la vôtre.",
        button="Confirmer l’adresse",
        done_title="Votre adresse e-mail est confirmée",
        done="Merci. Vous pouvez fermer cette page.",
    ),
    confirm_email=PageTexts(
        title="Confirmez votre nouvelle adresse e-mail",
        lead="Appuyez sur le bouton pour utiliser désormais l’adresse à laquelle ce lien a été envoyé.",
        button="Changer d’adresse",
        done_title="Votre adresse e-mail est modifiée",
        done="Utilisez désormais la nouvelle adresse, aussi pour vous connecter. Vous pouvez fermer cette page.",
    ),
    new_password="Nouveau mot de passe",
    new_password_hint=(
        "Long, il est bon : plusieurs mots, par exemple. Les espaces et tous les caractères sont acceptés."
    ),
    repeated="Le même mot de passe, encore une fois",
    error_prefix="Erreur : ",
    link_title="Ce lien ne fonctionne pas",
    link_incomplete="Il manque la fin. Ouvrez le lien dans le message même, ou copiez-le en entier.",
    link_dead=(
        "Peut-être a-t-il déjà servi, il a expiré, ou un lien plus récent a été envoyé. Si ce que vous vouliez n’est"
        " pas fait, demandez un nouveau lien."
    ),
    address_taken="L’adresse appartient entre-temps à un autre compte : rien n’a été modifié.",
    password_missing="Saisissez un nouveau mot de passe.",
    password_too_short="Ce mot de passe est trop court : il doit avoir au moins {least} caractères.",
    passwords_differ="Les deux mots de passe n’étaient pas les mêmes. Saisissez deux fois le même.",
    password_rules={
        "too_long": "Ce mot de passe est trop long : il peut avoir au plus 256 caractères.",
        "common": "Beaucoup de gens ont ce mot de passe, on le devine donc en premier. Choisissez-en un autre.",
        "listed": "Ce mot de passe n’est pas admis ici. Choisissez-en un autre.",
        "email": "Ce mot de passe est formé de votre adresse e-mail. Choisissez-en un autre.",
        "name": "Ce mot de passe est formé de votre nom. Choisissez-en un autre.",
        "product": "Ce mot de passe est formé du nom de ce service. Choisissez-en un autre.",
    },
    password_refused="Ce mot de passe n’est pas accepté. Choisissez-en un autre.",
    not_own_form=(
        "Ceci n’a pas été envoyé depuis cette page, rien n’a donc été fait. Si c’est ce que vous voulez, envoyez-le"
        " maintenant."
    ),
    try_again="Cela n’a pas fonctionné pour le moment. Réessayez dans un instant.",
    broken="Cela n’a pas fonctionné, et la faute est la nôtre. Réessayez plus tard.",
)
