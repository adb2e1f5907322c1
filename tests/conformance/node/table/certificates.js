// Certificates made with openssl, in a folder that goes with the process.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export class Certificates {
  constructor() { this.folder = mkdtempSync(path.join(tmpdir(), 'selvage-certificates-')); }

  remove() { rmSync(this.folder, { recursive: true, force: true }); }

  file(name) { return path.join(this.folder, name); }

  openssl(...args) { return execFileSync('openssl', args, { cwd: this.folder, stdio: ['ignore', 'pipe', 'ignore'] }).toString(); }

  // NAME.key and NAME.pem. `issuer`: another's name, else self-signed; `chain`: names of what is presented with it.
  make(name, { cn = name, issuer, ca = false, chain = [] } = {}) {
    const use = ca ? 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n' : 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth\n';
    writeFileSync(this.file(`${name}.ext`), use);
    this.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
    this.openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${cn}`, '-out', `${name}.csr`);
    const signer = issuer ? ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial'] : ['-signkey', `${name}.key`];
    this.openssl('x509', '-req', '-in', `${name}.csr`, '-extfile', `${name}.ext`, ...signer, '-days', '2', '-out', `${name}.pem`);
    const read = (file) => readFileSync(this.file(file), 'utf8');
    return { cert: [name, ...chain].map((one) => read(`${one}.pem`)).join(''), key: read(`${name}.key`) };
  }

  thumbprint(name, digest) {
    return this.openssl('x509', '-in', `${name}.pem`, '-noout', '-fingerprint', `-${digest}`).split('=')[1].replaceAll(':', '').trim();
  }
}
