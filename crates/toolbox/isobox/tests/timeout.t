$ timeout 5 echo x
x

$ timeout 0.2 sleep 5
? 124
~ busybox: says: Terminated

$ timeout 5 sh -c 'exit 3'
? 3

$ timeout -s KILL 0.2 sleep 5
? 137

$ timeout --preserve-status 0.2 sleep 5
? 143
~ busybox: says: unrecognized option '--preserve-status'

$ timeout 1 nosuchprogram
? 127

$ timeout x true
? 125
~ busybox: says: invalid number 'x'

$ timeout 5
? 125
~ busybox: says: Usage: timeout [-s SIG] [-k KILL_SECS] SECS PROG ARGS

$ timeout -k 0.2 0.2 sh -c 'trap "" TERM; sleep 3; sleep 3'
? 137
~ busybox: the status is 0

$ timeout 0 true

$ timeout -s NOSUCH 1 true
? 125
~ busybox: says: unknown signal 'NOSUCH'

$ timeout 5 cat </dev/null
