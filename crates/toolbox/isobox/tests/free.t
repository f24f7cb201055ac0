# the table
$ free | awk '{ print $1 }'
total
Mem:
Swap:

# the units belong together
$ free -b | awk '/Mem/ { b = $2 } END { print (b % 1024) }'; [ $(free -m | awk '/Mem/ { print $2 }') -lt $(free -k | awk '/Mem/ { print $2 }') ] && echo less
0
less
