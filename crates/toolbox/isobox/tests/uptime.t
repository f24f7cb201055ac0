# the line
$ uptime | grep -c 'up .* load average: [0-9.]*, [0-9.]*, [0-9.]*$'
1

# since when
$ uptime -s | grep -c '^20[0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]$'
1
~ busybox: none

# in words
$ uptime -p | grep -c '^up .*minute'
1
~ busybox: none
