import { obtainKafka } from '.';
obtainKafka().then((k) => { console.log(k.source, k.brokers); return k.stop(); }, (e) => console.log(e.describe()));
