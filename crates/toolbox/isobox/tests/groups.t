$ groups root
root
~ gnu: says whose they are

$ groups nobody-at-all 2>/dev/null
? 1
