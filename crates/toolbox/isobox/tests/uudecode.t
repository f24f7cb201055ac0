$ printf 'begin 644 x\n%%:&5L;&\\\n`\nend\n' | uudecode; cat x
? 1
~ busybox: differs

$ printf 'begin-base64 644 x\naGVsbG8=\n====\n' | uudecode; cat x
? 1
~ busybox: differs

$ printf 'begin 644 x\n%%:&5L;&\\\n`\nend\n' | uudecode -o y; cat y
? 1
~ busybox: differs

$ printf 'nothing\n' | uudecode
? 127
~ busybox: differs

$ printf 'begin 755 x\n`\nend\n' | uudecode; stat -c '%a %s' x
? 1
~ busybox: differs

$ printf 'junk\nbegin 644 x\n%%:&5L;&\\\n`\nend\n' | uudecode; cat x
? 1
~ busybox: differs

$ uudecode missing
? 127
~ busybox: differs

$ printf 'begin 644 x\n%%:&5L;&\\\n' | uudecode
? 127
~ busybox: differs
