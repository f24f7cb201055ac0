# headers
$ who -H | head -n 1 | cut -d " " -f 1
USER
~ gnu: NAME
~ busybox: no -H

$ who -q | tail -n 1 | cut -d = -f 1
| # users
~ busybox: no -q
