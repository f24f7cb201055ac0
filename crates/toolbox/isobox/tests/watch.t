$ timeout 20 watch -n 0.1 -t echo hello | grep -m 1 -c hello
1
~ gnu: says: Error opening terminal: unknown.

$ timeout 20 watch -n 0.1 -t 'echo $((1+1))' | grep -m 1 -o 2
2
~ gnu: says: Error opening terminal: unknown.

$ timeout 20 watch -n 0.1 -t echo a b | grep -m 1 -o 'a b'
a b
~ gnu: says: Error opening terminal: unknown.

$ timeout 20 watch -n 0.1 echo hello | grep -m 1 -o 'Every 0.1s: echo hello'
Every 0.1s: echo hello
~ gnu: says: Error opening terminal: unknown.

$ echo 0 >n; timeout 20 watch -n 0.1 -t 'echo $(($(cat n)+1)) >n; cat n' | grep -m 1 -o 3
3
~ gnu: says: Error opening terminal: unknown.

$ watch -n x true
? 1

$ watch
? 1

$ watch --nonsense
? 1
