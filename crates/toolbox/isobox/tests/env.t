$ env -i A=1 B=2 env
A=1
B=2

$ env -i A=1
A=1

$ A=1 env -u A sh -c 'echo ${A-none}'
none

$ env A=1 sh -c 'echo $A'
1

$ env nosuchprogram
? 127

$ env false
? 1

$ env -i -u A

$ env -0 -i A=1 B=2 | tr '\0' '\n'
A=1
B=2

$ env - A=x
A=x

$ mkdir d; env -C d pwd | sed 's,.*/,,'
d
~ busybox: says: invalid option -- 'C'

$ env -S 'sh -c "echo a"'
a
~ busybox: says: invalid option -- 'S'

$ env -u
? 125
~ busybox: says: option requires an argument -- 'u'

$ env A=1 A=2 sh -c 'echo $A'
2
