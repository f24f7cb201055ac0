$ dirname /a/b/c
/a/b

$ dirname a
.

$ dirname a/
.

$ dirname /
/

$ dirname /a
/

$ dirname a//b//
a

$ dirname a/b c/d
a
c
~ busybox: says: Usage: dirname FILENAME

$ dirname -z a/b | tr '\0' '\n'
a
~ busybox: says: Usage: dirname FILENAME

$ dirname
? 1
