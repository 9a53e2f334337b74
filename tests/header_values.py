"""How values travel in headers, written by hand: for the gateway and for Envoy's Check alike."""

VALUES = [
    ("Ada Lovelace", "Ada Lovelace"),
    ("Zoë", "Zo%C3%AB"),
    ("李", "%E6%9D%8E"),
    ("100 %", "100 %25"),
    ("a\r\nx-gatepost-role: operator", "a%0D%0Ax-gatepost-role: operator"),
    (" a ", "%20a%20"),
    ("  ", "%20%20"),
    ("\t\x7f", "%09%7F"),
    ("~!@#$^&*()_+-=[]{};':\",./<>?\\|`", "~!@#$^&*()_+-=[]{};':\",./<>?\\|`"),
    ("", ""),
]
