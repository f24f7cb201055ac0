$ env time -p true 2>&1 | cut -d ' ' -f 1
real
user
sys

$ env time -f %x false 2>&1 | tail -n 1
1

$ env time -f 'a%%b' true

$ env time -o f -f x true; cat f
x

$ env time nosuchprogram 2>/dev/null
? 127

$ env time -f %C echo a 2>&1
a
echo a

$ env time sh -c 'exit 3' 2>/dev/null
? 3

$ echo a >f; env time -a -o f -f b true; cat f
a
b
