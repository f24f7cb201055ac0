# names of signals
$ killall -l | grep -c KILL
1

# none
$ killall this-is-no-process 2>/dev/null
? 1

# none, quietly
$ killall -q this-is-no-process
? 1

# by name
$ printf '#!/bin/sh\nsleep 30.$((987690 + 1)) & wait\n' >mysleeper987; chmod +x mysleeper987; ./mysleeper987 & until grep -q mysleeper987 /proc/$!/comm; do :; done; killall mysleeper987; wait $!; echo $?; for p in $(pidof sleep); do grep -q 987691 /proc/$p/cmdline 2>/dev/null && kill $p; done; true
143

# no name
$ killall 2>/dev/null
? 1
