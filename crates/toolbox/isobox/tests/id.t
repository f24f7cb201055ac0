# all
$ id root
uid=0(root) gid=0(root) groups=0(root)

# parts
$ id -u; id -g; id -un; id -gn; id -G root; id -Gn root
0
0
root
root
0
root
% root

# a user that is not there
$ id nobody-at-all 2>/dev/null
? 1

# another user
$ id -u daemon; id -gn daemon
1
daemon

# -n alone
$ id -n 2>/dev/null
? 1

# two things
$ id -u -g 2>/dev/null
? 1

# the real one
$ id -ru
0
% root
