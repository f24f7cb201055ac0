$ printf 'begin 644 x\n%%:&5L;&\\\n`\nend\n' | uudecode; cat x
hello
\
~ gnu: no such command

$ printf 'begin-base64 644 x\naGVsbG8=\n====\n' | uudecode; cat x
hello
\
~ gnu: no such command

$ printf 'begin 644 x\n%%:&5L;&\\\n`\nend\n' | uudecode -o y; cat y
hello
\
~ gnu: no such command

$ printf 'nothing\n' | uudecode
? 1
~ gnu: no such command

$ printf 'begin 755 x\n`\nend\n' | uudecode; stat -c '%a %s' x
755 0
~ gnu: no such command

$ printf 'junk\nbegin 644 x\n%%:&5L;&\\\n`\nend\n' | uudecode; cat x
hello
\
~ gnu: no such command

$ uudecode missing
? 1
~ gnu: no such command

$ printf 'begin 644 x\n%%:&5L;&\\\n' | uudecode
? 1
~ gnu: no such command
