#!/bin/sh
# lines COUNT COMMAND...: what a command prints until there are so many lines
count=$1
shift
exec 3<&0
"$@" <&3 >lines.$$ 3<&- &
exec 3<&-
await "test \$(wc -l <lines.$$) -ge $count"
kill $! 2>/dev/null
cat lines.$$
